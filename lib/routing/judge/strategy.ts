/** What a strategy is: a pure function of the opened event and of immutable weights to a judgement. It never draws. */
import type { StrategyName } from '../../config/router-config';
import type { CachedValues, RouteOpened } from '../../topics/generated/messages';

/** One thread's opinion. Arrays are aligned with `opened.candidates`; ineligible candidates have probability 0. */
export interface Judgement {
  /** Distribution over candidates; sums to 1. */
  readonly probabilities: readonly number[];
  /** Expected utility per candidate (see `utility.ts`). */
  readonly utilities: readonly number[];
  /** Predicted quality per candidate, 0..1. */
  readonly qualities: readonly number[];
  /** How sure the thread is of its utilities; 0..1. */
  readonly confidence: number;
  readonly policySha256: string | null;
  readonly coldStart: boolean;
}

/** The learned value function as strategies see it; `lib/learning` implements it on plain Float32Arrays. */
export interface LearnedPolicy {
  readonly policySha256: string;
  /** Judges the opened event; pure, no allocation of tensors, some tens of microseconds. */
  judge(opened: RouteOpened): Judgement;
  /** What it says of the text alone, for the routing cache; null while it has no say. Left out where that cannot be told. */
  valuesOf?(opened: RouteOpened): Omit<CachedValues, 'isCheck' | 'cachedAtMs'> | null;
}

/** `learned` is null where no weights could be loaded; a learned strategy then throws, and its thread is FAILED. */
export type Strategy = (opened: RouteOpened, learned: LearnedPolicy | null) => Judgement;

export type Strategies = Readonly<Record<StrategyName, Strategy>>;
