/** Runs a range of cases on one engine after another, and finds the single case that a fault seen later comes from. */
import { type Fronts, partitions, putUnderFire, type UnderFire } from './engine-under-fire';
import { type Fault, type Finding, fault } from './findings';
import { reproduceOf, type SurfaceName } from './surface-names';
import { type Ran, type Surface, surfaceOf } from './surfaces';

export interface Range {
  readonly surface: SurfaceName;
  /** Makes the surface on each fresh engine; the real one by default. */
  readonly surfaceOf?: (under: UnderFire) => Promise<Surface>;
  readonly seed: number;
  /** Cases from `from` up to and without `to`. */
  readonly from: number;
  readonly to: number;
  readonly fronts: Fronts;
  /** Before each case: whoever watches knows then at which one this process was lost. */
  readonly onCase: (index: number, what: string) => void;
  readonly onFinding: (finding: Finding) => void;
  /** After each case: how long the good request behind it took. */
  readonly onGoodAnswer: (index: number, ownMs: number) => void;
}

/** Cases between two looks at whether the engine is well in every part. */
const batch = 25;
/** Cases between two restarts of the engine on the log that they have left. */
const betweenRestarts = 750;
/** Looking for the one case starts a fresh engine several times; the first kinds found are worth it. */
const maxSearches = 10;
/** The good request behind a case may take so much longer than the one before it. */
const lateMs = 1_000;
const late = fault(`a good request is answered more than ${lateMs} ms later than the one before the case`);

export async function runCases(range: Range): Promise<void> {
  const known = new Set<string>();
  let searches = 0;
  let stand = await setUp(range);
  let sinceRestart: number[] = [];
  let inBatch: number[] = [];

  const tell = (found: Fault, what: string, indices: readonly number[]): void => {
    range.onFinding({ ...found, what, reproduce: reproduceOf(range, indices) });
  };

  const whatAre = (surface: Surface, indices: readonly number[]): string => {
    const last = surface.whatIs(range.seed, indices.at(-1)!);
    return indices.length === 1 ? last : `one of ${indices.length} cases, the last of them ${last}`;
  };

  const startAfresh = async (): Promise<void> => {
    stand = await setUp(range);
    [sinceRestart, inBatch] = [[], []];
  };

  /** Tells of what a look has shown, and goes on with a fresh engine. */
  const tellOf = async (found: readonly Fault[], suspects: readonly number[], withRestart: boolean): Promise<void> => {
    const fresh = found.filter(({ kind }) => !known.has(kind));
    for (const { kind } of fresh) known.add(kind);
    await stand.under.close();
    for (const one of found) {
      const isWorthIt = fresh.includes(one) && searches < maxSearches;
      if (isWorthIt) searches += 1;
      const culprits = isWorthIt ? await search(range, one.kind, suspects, withRestart) : suspects;
      const what = whatAre(stand.surface, culprits);
      tell(one, what, culprits);
      // Kinds that are seen together come from one case, as a rule.
      if (isWorthIt) for (const other of fresh.filter((another) => another !== one)) tell(other, what, culprits);
      if (isWorthIt) break;
    }
    await startAfresh();
  };

  /** A late answer is a fault when a fresh engine shows it again; else something kept the whole machine from working. */
  const tellOfLate = async (): Promise<void> => {
    await stand.under.close();
    if (await fails(range, late.kind, inBatch, false)) {
      const culprits = await search(range, late.kind, inBatch, false);
      tell(late, whatAre(stand.surface, culprits), culprits);
    }
    await startAfresh();
  };

  for (let index = range.from; index < range.to; index++) {
    const what = stand.surface.whatIs(range.seed, index);
    range.onCase(index, what);
    const { faults, behind, goodMs } = await runOne(stand, range.seed, index);
    range.onGoodAnswer(index, goodMs);
    for (const one of faults) tell(one, what, [index]);
    for (const { kind } of faults) known.add(kind);
    inBatch.push(index);
    sinceRestart.push(index);
    if (behind) {
      await (behind === late ? tellOfLate() : tellOf([behind], inBatch, false));
      continue;
    }
    const isLast = index === range.to - 1;
    if (inBatch.length < batch && !isLast) continue;
    const found = await look(stand);
    if (found.length > 0) await tellOf(found, inBatch, false);
    else if (sinceRestart.length >= betweenRestarts || isLast) {
      const later = await stand.under.restart();
      if (later.length > 0) await tellOf(later, sinceRestart, true);
      sinceRestart = [];
    }
    inBatch = [];
  }
  await stand.under.close();
}

interface Stand {
  readonly under: UnderFire;
  readonly surface: Surface;
  /** How long the newest good request took; the next is compared with it. */
  goodMs: number;
}

/** What is wrong after some cases. */
async function look({ under, surface }: Stand): Promise<Fault[]> {
  return [...(await surface.settle()), ...(await under.faults())];
}

let stands = 0;

async function setUp(range: Range): Promise<Stand> {
  const { fronts } = range;
  const topicPrefix = fronts.kafka === null ? '' : `${fronts.topicPrefix}${stands++}.`;
  const under = await putUnderFire({ ...fronts, topicPrefix });
  const surface = await (range.surfaceOf?.(under) ?? surfaceOf(range.surface, under));
  return { under, surface, goodMs: (await under.askGood(0, false)).ownMs };
}

interface RunCase {
  /** Of the case itself. */
  readonly faults: readonly Fault[];
  /** Of the good request behind it. */
  readonly behind: Fault | null;
  /** How long that took. */
  readonly goodMs: number;
}

/** Runs a case and asks a good request behind it, the same way where the case went one. */
async function runOne(stand: Stand, seed: number, index: number): Promise<RunCase> {
  const { under, surface } = stand;
  const ran = await surface.run(seed, index).catch(
    (error: Error): Ran => ({
      faults: [{ kind: 'the case itself fails', detail: error.stack ?? '' }],
      partition: null,
    }),
  );
  const good = await under.askGood((ran.partition ?? index) % partitions, surface.isConfigChanged());
  const isLate = good.ownMs > stand.goodMs + lateMs;
  stand.goodMs = good.ownMs;
  return { faults: ran.faults, behind: isLate ? late : good.fault, goodMs: good.ownMs };
}

/** Whether these cases show this kind of fault on a fresh engine. */
async function fails(range: Range, kind: string, indices: readonly number[], withRestart: boolean): Promise<boolean> {
  const stand = await setUp(range);
  const found: Fault[] = [];
  for (const index of indices) {
    range.onCase(index, stand.surface.whatIs(range.seed, index));
    const { behind } = await runOne(stand, range.seed, index);
    if (behind) found.push(behind);
  }
  found.push(...(await look(stand)));
  if (withRestart) found.push(...(await stand.under.restart()));
  await stand.under.close();
  return found.some((one) => one.kind === kind);
}

/** The fewest of the suspects that show this kind of fault: the last as a rule, else another, else all up to the last needed. */
async function search(
  range: Range,
  kind: string,
  suspects: readonly number[],
  withRestart: boolean,
): Promise<readonly number[]> {
  const failing = (indices: readonly number[]): Promise<boolean> => fails(range, kind, indices, withRestart);
  if (await failing(suspects.slice(-1))) return suspects.slice(-1);
  let [good, bad] = [0, suspects.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await failing(suspects.slice(0, middle))) bad = middle;
    else good = middle;
  }
  const last = suspects.slice(bad - 1, bad);
  return bad < suspects.length && (await failing(last)) ? last : suspects.slice(0, bad);
}
