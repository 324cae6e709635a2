/**
 * How far below the best candidate a model may be predicted and still have to be reckoned with: conformal prediction, calibrated
 * on answers that were predicted before they were seen. An answer is good enough where it is at least as good as the best candidate of its request
 * was expected to be; a set with coverage p holds the models of that share of all good enough answers, those of models that
 * were not called included. How often such an answer is good is counted per step of the gap, over the calls; how often candidates stand there,
 * over all requests. Where all candidates were asked this is split conformal prediction; where one was, it is that
 * stratified by the gap: which of the candidates at a gap is called is taken to be chance.
 */
import { dictionaryOf } from '../../dictionary';

/** Per step of the gap, decayed. */
export interface SetGaps {
  /** Candidates. */
  candidates: number[];
  /** Those of them that were called, and those whose answers were good enough. */
  called: number[];
  good: number[];
}

/** What a set may be stated for: the keys of the tuning's `setGaps`. */
export const setCoverages = [0.8, 0.9, 0.95] as const;

/** Requests that are remembered: the weight of one falls e-fold with so many newer ones. */
const memory = 4_000;
/** Gaps up to this one are ties with the best, step 0... */
const leastGap = 1e-3;
/** ...and from there to 1 the steps grow by equal factors: a tenth each. */
const steps = 72;
const stepLog = Math.log(1 / leastGap) / steps;
/** The share of good answers at a step is that of so many calls at least, of its neighbours where it has too few. */
const leastCalls = 30;
/** So many good answers must lie outside a set before its size is known. */
const leastOutside = 5;

export function createSetGaps(): SetGaps {
  const none = (): number[] => new Array<number>(steps + 1).fill(0);
  return { candidates: none(), called: none(), good: none() };
}

/**
 * Folds in what is known of one request's answers: `predicted` quality per candidate, 0..1, and `answers` of those that were called
 * (indices into it), predicted before they were seen.
 */
export function observeAnswers(
  gaps: SetGaps,
  predicted: readonly number[],
  answers: readonly { readonly candidate: number; readonly quality: number }[],
): void {
  const { candidates, called, good } = gaps;
  const keep = 1 - 1 / memory;
  for (let i = 0; i <= steps; i++) {
    candidates[i] = candidates[i]! * keep;
    called[i] = called[i]! * keep;
    good[i] = good[i]! * keep;
  }
  const best = Math.max(...predicted);
  for (const quality of predicted) add(candidates, stepOf(best - quality));
  for (const { candidate, quality } of answers) {
    const step = stepOf(best - predicted[candidate]!);
    add(called, step);
    if (quality >= best) add(good, step);
  }
}

/** Per nominal coverage that can be stated: the gap within which that share of the good enough answers lies. */
export function knownGaps(gaps: SetGaps): Record<string, number> {
  const answers = gaps.good.reduce((sum, count) => sum + count, 0);
  const masses = gaps.candidates.map((count, step) => (count > 0 ? count * shareOfGood(gaps, step) : 0));
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return dictionaryOf(
    setCoverages.flatMap((coverage): [string, number][] =>
      answers * (1 - coverage) < leastOutside
        ? []
        : [[String(coverage), gapAt(masses, coverage * total * (1 + 1 / answers))]],
    ),
  );
}

/** Where the masses up to it make `wanted`, steps cut in proportion. */
function gapAt(masses: readonly number[], wanted: number): number {
  let left = wanted;
  for (let step = 0; step < steps; step++) {
    const mass = masses[step]!;
    if (left <= mass) return step === 0 ? 0 : leastGap * Math.exp(stepLog * (step - 1 + left / mass));
    left -= mass;
  }
  return 1;
}

/** Of the calls at a step, or as near to it as it takes to have enough. */
function shareOfGood({ called, good }: SetGaps, step: number): number {
  let calls = called[step]!;
  let found = good[step]!;
  for (let reach = 1; calls < leastCalls && reach <= steps; reach++) {
    calls += (called[step - reach] ?? 0) + (called[step + reach] ?? 0);
    found += (good[step - reach] ?? 0) + (good[step + reach] ?? 0);
  }
  return calls > 0 ? found / calls : 0;
}

function add(counts: number[], step: number): void {
  counts[step] = counts[step]! + 1;
}

function stepOf(gap: number): number {
  if (!(gap > leastGap)) return 0;
  return Math.min(steps, 1 + Math.floor(Math.log(gap / leastGap) / stepLog));
}
