/** Runs a range of cases on one engine after another, and finds the single case that a fault seen later comes from. */
import { type Fronts, putUnderFire, type UnderFire } from './engine-under-fire';
import type { Fault, Finding } from './findings';
import { type Surface, type SurfaceName, surfaceOf } from './surfaces';

export interface Range {
  readonly surface: SurfaceName;
  readonly seed: number;
  /** Cases from `from` up to and without `to`. */
  readonly from: number;
  readonly to: number;
  readonly fronts: Fronts;
  /** Before each case: whoever watches knows then at which one this process was lost. */
  readonly onCase: (index: number, what: string) => void;
  readonly onFinding: (finding: Finding) => void;
}

/** Cases between two looks at whether the engine is well. */
const batch = 25;
/** Cases between two restarts of the engine on the log that they have left. */
const betweenRestarts = 750;
/** Looking for the one case starts a fresh engine several times; the first kinds found are worth it. */
const maxSearches = 10;

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
    stand = await setUp(range);
    sinceRestart = [];
  };

  for (let index = range.from; index < range.to; index++) {
    const what = stand.surface.whatIs(range.seed, index);
    range.onCase(index, what);
    const faults = await runOne(stand.surface, range.seed, index);
    for (const one of faults) tell(one, what, [index]);
    for (const { kind } of faults) known.add(kind);
    inBatch.push(index);
    sinceRestart.push(index);
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
}

/** What is wrong after some cases. */
async function look({ under, surface }: Stand): Promise<Fault[]> {
  return [...(await surface.settle()), ...(await under.faults())];
}

let stands = 0;

async function setUp({ fronts, surface }: Pick<Range, 'fronts' | 'surface'>): Promise<Stand> {
  const topicPrefix = fronts.kafka === null ? '' : `${fronts.topicPrefix}${stands++}.`;
  const under = await putUnderFire({ ...fronts, topicPrefix });
  return { under, surface: await surfaceOf(surface, under) };
}

async function runOne(surface: Surface, seed: number, index: number): Promise<readonly Fault[]> {
  try {
    return await surface.run(seed, index);
  } catch (error) {
    return [{ kind: 'the case itself fails', detail: (error as Error).stack ?? '' }];
  }
}

/** The fewest of the suspects that show this kind of fault on a fresh engine: one as a rule, else all up to the last needed. */
async function search(
  range: Range,
  kind: string,
  suspects: readonly number[],
  withRestart: boolean,
): Promise<readonly number[]> {
  const failing = async (indices: readonly number[]): Promise<boolean> => {
    const { under, surface } = await setUp(range);
    for (const index of indices) {
      range.onCase(index, surface.whatIs(range.seed, index));
      await runOne(surface, range.seed, index);
    }
    const found = await look({ under, surface });
    if (withRestart) found.push(...(await under.restart()));
    await under.close();
    return found.some((one) => one.kind === kind);
  };
  let [good, bad] = [0, suspects.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await failing(suspects.slice(0, middle))) bad = middle;
    else good = middle;
  }
  const last = suspects.slice(bad - 1, bad);
  return (await failing(last)) ? last : suspects.slice(0, bad);
}

export function reproduceOf({ surface, seed }: Pick<Range, 'surface' | 'seed'>, indices: readonly number[]): string {
  const [first, last] = [indices[0]!, indices.at(-1)!];
  const cases = first === last ? '' : ` CASES=${last - first + 1}`;
  return `make fuzz SURFACE=${surface} SEED=${seed} FROM=${first}${cases || ' CASES=1'}`;
}
