/** The kinds of made data, each a few numbers: what is unusual about it, and everything else as in the first. */

/** Strengths are in deviations of a request's luck: where half of the answers are right, .1 of it is four points of quality. */
export interface MadeKind {
  readonly models: number;
  /** How often each task comes; as many tasks as there are numbers, at most 14. */
  readonly taskShares: readonly number[];
  /** Mean strength: 0 is right every second time. */
  readonly level: number;
  /** Deviation of a model's strength over all tasks. */
  readonly strengthSpread: number;
  /** Deviation of a model's strength on one task. */
  readonly taskSpread: number;
  /** Deviation of what difficulty costs one model more than another. */
  readonly slopeSpread: number;
  /** Share, 0..1, of a request's luck that all models have in common. */
  readonly sharedLuck: number;
  /** Share of judgements that are a coin's. */
  readonly coinShare: number;
  /** Whether the wrong answers of the first model please the judge. */
  readonly gamed: boolean;
  /** Share of the requests that are judged at all, of those the share that is judged late, and how many requests later. */
  readonly feedbackShare: number;
  readonly lateShare: number;
  readonly lateRequests: number;
  /** Where in the stream, 0..1, the last model is configured; null: from the start. */
  readonly joinsAt: number | null;
  /** Whether cost is part of utility, and by what factor announced prices are off, up or down. */
  readonly costCounts: boolean;
  readonly priceError: number;
}

const alike: MadeKind = {
  models: 7,
  taskShares: new Array<number>(14).fill(1),
  level: -0.25,
  strengthSpread: 0.06,
  taskSpread: 0.13,
  slopeSpread: 0.1,
  sharedLuck: 0.6,
  coinShare: 0,
  gamed: false,
  feedbackShare: 1,
  lateShare: 0,
  lateRequests: 0,
  joinsAt: null,
  costCounts: false,
  priceError: 1,
};

export const madeKinds = {
  /** Right or wrong, no model dominates, and knowing the task is worth three points. */
  alike,
  /** Nearly all answers of all models are wrong. */
  'near-zero': { ...alike, level: -1.8, strengthSpread: 0.2, taskSpread: 0.3 },
  /** The judge passes most wrong answers of one model that is among the weakest. */
  'gamed-judge': { ...alike, gamed: true },
  'thirty-models': { ...alike, models: 30, strengthSpread: 0.2, taskSpread: 0.2 },
  /** Five tasks, judged by the mean of their means: three of them hardly ever come. */
  unbalanced: { ...alike, taskShares: [60, 25, 10, 3, 2], taskSpread: 0.3 },
  /** Half of the judgements are a coin's. */
  'coin-judge': { ...alike, level: 0, strengthSpread: 0.2, taskSpread: 0.2, coinShare: 0.5 },
  /** A tenth of the judgements comes 2,000 requests later. */
  late: { ...alike, strengthSpread: 0.2, taskSpread: 0.2, lateShare: 0.1, lateRequests: 2_000 },
  /** One request in twenty is judged. */
  sparse: { ...alike, strengthSpread: 0.3, taskSpread: 0.3, feedbackShare: 0.05 },
  /** A fourth model is configured after a third of the stream. */
  'fourth-model': { ...alike, models: 4, strengthSpread: 0.2, taskSpread: 0.3, joinsAt: 1 / 3 },
  /** Cost counts, and announced prices are four times too high or too low. */
  'wrong-prices': { ...alike, models: 4, strengthSpread: 0.3, taskSpread: 0.2, costCounts: true, priceError: 4 },
} as const satisfies Record<string, MadeKind>;

export type MadeName = keyof typeof madeKinds;
export const madeNames = Object.keys(madeKinds) as MadeName[];
