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
  /** What it goes by. Left out where that cannot be told. */
  readonly study?: PolicyStudy;
}

/** A policy as something to be looked at: nothing of it is asked on the request path. */
export interface PolicyStudy {
  /** The parts of what it sees of a request. */
  readonly parts: readonly string[];
  /** As `judge`, the request being in this respect the mean of all requests. The arrays are the caller's own. */
  judgeWithout(part: string, opened: RouteOpened): Judgement;
  /**
   * The cluster that the request belongs to most, from 0, and the hand-made features of its text in deviations from their mean (none
   * where the caller gave a vector). Null for a request of another kind than those it was learned from.
   */
  placeOf(opened: RouteOpened): { readonly cluster: number; readonly shape: readonly number[] } | null;
}

/** `learned` is null where no weights could be loaded; a learned strategy then throws, and its thread is FAILED. */
export type Strategy = (opened: RouteOpened, learned: LearnedPolicy | null) => Judgement;

export type Strategies = Readonly<Record<StrategyName, Strategy>>;
