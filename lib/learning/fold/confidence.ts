/**
 * What the confidence of decisions turned out to be worth: how often, at each height of it, the answer was good enough, that is
 * at least as good as the best candidate was expected to be (as in sets of risk). Made a curve that never falls, which
 * decisions read their stated confidence off.
 */

/** Per step of the confidence as the threads give it, decayed. */
export interface Confidence {
  calls: number[];
  good: number[];
}

const steps = 10;
/** Judged decisions that are remembered: the weight of one falls e-fold with so many newer ones. */
const memory = 2_000;
/** Before so many nothing is said: what the threads say of themselves at first is worth less than a few answers. */
const leastCalls = 5;
/** Each step counts so many calls that came out as all do: one call is no curve. */
const priorCalls = 4;

export function createConfidence(): Confidence {
  const none = (): number[] => new Array<number>(steps).fill(0);
  return { calls: none(), good: none() };
}

/** One judged decision; what is no confidence is none. */
export function observeConfidence({ calls, good }: Confidence, confidence: number, isGood: boolean): void {
  if (!(confidence >= 0 && confidence <= 1)) return;
  const keep = 1 - 1 / memory;
  for (let i = 0; i < steps; i++) {
    calls[i] = calls[i]! * keep;
    good[i] = good[i]! * keep;
  }
  const step = Math.min(steps - 1, Math.floor(confidence * steps));
  calls[step]!++;
  if (isGood) good[step]!++;
}

/** Share of good answers at the middle of each step: isotonic regression (pool adjacent violators). Empty while too little is known. */
export function confidenceCurve({ calls, good }: Confidence): number[] {
  const all = calls.reduce((sum, count) => sum + count, 0);
  if (all < leastCalls) return [];
  // One good answer and one that is not are imagined, so that a few of a kind are no certainty.
  const share = (good.reduce((sum, count) => sum + count, 0) + 1) / (all + 2);
  const blocks: { weight: number; good: number; steps: number }[] = [];
  const heightOf = (block: (typeof blocks)[number]): number => block.good / block.weight;
  for (let i = 0; i < steps; i++) {
    let block = { weight: calls[i]! + priorCalls, good: good[i]! + priorCalls * share, steps: 1 };
    while (blocks.length > 0 && heightOf(blocks.at(-1)!) >= heightOf(block)) {
      const before = blocks.pop()!;
      block = {
        weight: before.weight + block.weight,
        good: before.good + block.good,
        steps: before.steps + block.steps,
      };
    }
    blocks.push(block);
  }
  return blocks.flatMap((block) => new Array<number>(block.steps).fill(heightOf(block)));
}
