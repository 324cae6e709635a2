/**
 * Limits how much one source of judgements can move in a short time. Judgements of one model are weighed against each
 * other: new sources, all together, may make up a tenth of what was heard of it lately, an established one twice the share it
 * usually has; one that says the opposite of all others is not heard until it agrees again. What goes beyond is passed over.
 * Everything is counted in judgements, nothing in time; where only one source speaks nothing is limited.
 */

/** Memory of what was heard lately, judgements. */
const recentMemory = 500;
/** Memory of usual shares, judgements: much longer, so that a burst does not become usual. A new source takes thousands. */
const usualMemory = 4_000;
/** First judgements, of all models and of one, whose plain mean the usual shares are. Those of a lineage are not limited. */
const freeJudgements = 200;
const firstOfModel = 20;
/** Most that all new sources together make up of what was heard of one model. */
const newcomersShare = 0.1;
/** An established source may grow by this factor. Below `newcomersShare / growth` a source is new. */
const growth = 2;
/** Established sources that were silent for so many judgements are gone: whoever still speaks is free. */
const longSilence = 1_000;
/** Sources remembered. New ones are limited together, so nobody gains by having many names. */
const mostSources = 64;
/** Judgements of a model that have to be compared before they say anything of their source. */
const leastCompared = 20;
/**
 * Sum of evidence at which a source contradicts, and where the sum ends. A judgement q where p was expected counts
 * -(2p - 1)(2q - 1): how much nearer it is to the opposite of what was expected, 1 - p, than to p. Of an honest source that
 * falls on average whatever p is, and with the noisiest judgements (0 or 1) an excursion of the sum gets to h with a
 * probability of e^-2h (Wald 1945): one in 400. Six to ten judgements of the opposite get there.
 */
const contradiction = 3;
const mostContradiction = 6;

/** What a source has said of one model. */
interface Said {
  /** Fading number of judgements folded in. */
  recent: number;
  /** Its share of the judgements of this model over the long run, 0..1. */
  usual: number;
  /** Judgements compared with the policy in force, and the sum of evidence for the opposite, from 0 on. */
  compared: number;
  opposite: number;
  /** Since the sum has reached `contradiction`, until it is back at 0. */
  contradicts: boolean;
}

interface Source {
  /** Number of its last judgement folded in. */
  last: number;
  /** Its share of all judgements over the long run, 0..1. */
  usual: number;
  readonly models: Map<string, Said>;
}

/** Tables are Maps: sources and models may have any name. `savedInfluence` is its form in checkpoints. */
export interface Influence {
  /** Judgements that came, folded in or not. */
  judgements: number;
  passedOver: number;
  /** Folded in, in all and by model. */
  admitted: number;
  readonly admittedOf: Map<string, number>;
  readonly sources: Map<string, Source>;
}

export function createInfluence(): Influence {
  return { judgements: 0, passedOver: 0, admitted: 0, admittedOf: new Map(), sources: new Map() };
}

/** As JSON: tables are lists of pairs, which keep their order and any key. */
export interface SavedInfluence extends Pick<Influence, 'judgements' | 'passedOver' | 'admitted'> {
  readonly admittedOf: SavedTable<number>;
  readonly sources: SavedTable<Pick<Source, 'last' | 'usual'> & { readonly models: SavedTable<Said> }>;
}

/** Checkpoints of earlier releases have an object instead of a list. */
type SavedTable<T> = readonly (readonly [string, T])[] | Readonly<Record<string, T>>;

export function savedInfluence({ admittedOf, sources, ...counts }: Influence): SavedInfluence {
  const saved = [...sources].map(([name, { models, ...rest }]) => [name, { ...rest, models: [...models] }] as const);
  return { ...counts, admittedOf: [...admittedOf], sources: saved };
}

export function restoredInfluence({ admittedOf, sources, ...counts }: SavedInfluence): Influence {
  const restored = entriesOf(sources).map(
    ([name, { models, ...rest }]) => [name, { ...rest, models: new Map(entriesOf(models)) }] as const,
  );
  return { ...counts, admittedOf: new Map(entriesOf(admittedOf)), sources: new Map(restored) };
}

function entriesOf<T>(saved: SavedTable<T>): readonly (readonly [string, T])[] {
  return Array.isArray(saved) ? saved : Object.entries(saved);
}

/** Whether judgements of `source` are to be compared with what the policy in force expects: there are others. */
export function isComparable({ sources }: Influence, source: string): boolean {
  return sources.size > (sources.has(source) ? 1 : 0);
}

/** Compares a judgement of the model with the quality that the policy in force expected; both 0..1. */
export function compareJudgement(influence: Influence, source: string, model: string, judged: Judged): void {
  const said = saidOf(sourceOf(influence, source), model);
  const evidence = -(2 * Math.max(0, Math.min(1, judged.expected)) - 1) * (2 * judged.quality - 1);
  said.compared++;
  said.opposite = Math.max(0, Math.min(mostContradiction, said.opposite + evidence));
  if (said.opposite >= contradiction) said.contradicts = true;
  if (said.opposite === 0) said.contradicts = false;
}

interface Judged {
  readonly quality: number;
  readonly expected: number;
}

/** Whether a judgement of `model` by `source` is to be folded in. Counts it either way. */
export function admitJudgement(influence: Influence, source: string, model: string): boolean {
  influence.judgements++;
  if (!isWithinShare(influence, source, model)) {
    influence.passedOver++;
    return false;
  }
  const admitted = ++influence.admitted;
  const ofModel = (influence.admittedOf.get(model) ?? 0) + 1;
  influence.admittedOf.set(model, ofModel);
  const heard = sourceOf(influence, source);
  heard.last = influence.judgements;
  const said = saidOf(heard, model);
  const rate = admitted <= freeJudgements ? 1 / admitted : 1 / usualMemory;
  const rateOfModel = ofModel <= firstOfModel ? 1 / ofModel : 1 / usualMemory;
  for (const one of influence.sources.values()) {
    one.usual += rate * ((one === heard ? 1 : 0) - one.usual);
    for (const any of one.models.values()) any.recent *= 1 - 1 / recentMemory;
    const same = one.models.get(model);
    if (same) same.usual += rateOfModel * ((same === said ? 1 : 0) - same.usual);
  }
  said.recent++;
  return true;
}

function isWithinShare(influence: Influence, name: string, model: string): boolean {
  if (influence.judgements <= freeJudgements) return true;
  const sources = [...influence.sources];
  const isThere = (source: Source): boolean => influence.judgements - source.last <= longSilence;
  if (!sources.some(([other, source]) => other !== name && !isNew(source) && isThere(source))) return true;
  const own = influence.sources.get(name);
  const others = sources.flatMap(([other, source]) => (other === name ? [] : [source]));
  if (contradicts(own, others, model)) return false;
  const recentOf = (source: Source): number => source.models.get(model)?.recent ?? 0;
  const all = sources.reduce((sum, [, source]) => sum + recentOf(source), 0);
  if (own === undefined || isNew(own)) {
    const newcomers = sources.reduce((sum, [, source]) => sum + (isNew(source) ? recentOf(source) : 0), 0);
    return newcomers + 1 <= newcomersShare * (all + 1);
  }
  // Nobody else calls this model: there is nothing its judgements could outweigh.
  if (all - recentOf(own) < 1) return true;
  const usual = Math.max(own.usual, own.models.get(model)?.usual ?? 0);
  return recentOf(own) + 1 <= Math.min(1, growth * usual) * (all + 1);
}

function isNew({ usual }: Source): boolean {
  return growth * usual < newcomersShare;
}

/**
 * Whether a source says the opposite of what most others go on to say of a model: when the world has changed, they say so
 * too. A new source has to show first that it does not.
 */
function contradicts(own: Source | undefined, others: readonly Source[], model: string): boolean {
  let against = own?.usual ?? 0;
  let agreeing = 0;
  for (const other of others) {
    const said = other.models.get(model);
    if (isNew(other) || !said || said.compared < leastCompared) continue;
    if (said.contradicts) against += other.usual;
    // Half way to a contradiction it is a witness of nothing.
    else if (said.opposite < contradiction / 2) agreeing += other.usual;
  }
  if (agreeing <= against) return false;
  const said = own?.models.get(model);
  if (own === undefined || isNew(own)) return !said || said.compared < leastCompared || said.contradicts;
  return said?.contradicts ?? false;
}

function saidOf({ models }: Source, model: string): Said {
  const known = models.get(model);
  if (known) return known;
  const said: Said = { recent: 0, usual: 0, compared: 0, opposite: 0, contradicts: false };
  models.set(model, said);
  return said;
}

function sourceOf(influence: Influence, name: string): Source {
  const { sources } = influence;
  const known = sources.get(name);
  if (known) return known;
  if (sources.size >= mostSources) {
    const [least] = [...sources].reduce((a, b) => (b[1].usual < a[1].usual ? b : a));
    sources.delete(least);
  }
  const source: Source = { last: 0, usual: 0, models: new Map() };
  sources.set(name, source);
  return source;
}
