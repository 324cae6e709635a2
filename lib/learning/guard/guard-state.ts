/** What the guard carries from event to event, saved in checkpoints like everything that is folded. */
import type { Drift } from '../fold/drift';
import type { Mix } from '../value/mix';
import { createHealth, type Health } from './alarms';
import { createInfluence, type Influence, restoredInfluence, type SavedInfluence, savedInfluence } from './influence';

export interface GuardState {
  readonly influence: Influence;
  /** Offsets of corrections that were passed over, of rows that may still be in the replay: a restart must pass them over again. */
  passedCorrections: number[];
  readonly health: Health;
  /** Increments refused in a row. */
  refusedInRow: number;
  /** Since the lineage began. */
  refused: number;
  repairs: number;
  /** Repairs since the last publication, in words. */
  untold: string[];
  /** Rewards at the last full check. */
  rewardsAtCheck: number;
  /** What a repair goes back to: as it was when the policy in force was made; null before the first. */
  good: {
    readonly mix: Mix;
    readonly drifts: ReadonlyMap<string, Drift>;
    readonly rewardDeviation: number;
    /** One past the last offset that policy has learned from. */
    readonly toOffset: number;
  } | null;
}

export function createGuard(): GuardState {
  return {
    influence: createInfluence(),
    passedCorrections: [],
    health: createHealth(),
    refusedInRow: 0,
    refused: 0,
    repairs: 0,
    untold: [],
    rewardsAtCheck: 0,
    good: null,
  };
}

/** As JSON. */
export interface SavedGuard extends Omit<GuardState, 'influence' | 'good'> {
  readonly influence: SavedInfluence;
  /** `drifts` by model: a list of pairs; an object in checkpoints of earlier releases. */
  readonly good:
    | (Omit<NonNullable<GuardState['good']>, 'drifts'> & {
        readonly drifts: readonly (readonly [string, Drift])[] | Readonly<Record<string, Drift>>;
      })
    | null;
}

export function savedGuard({ influence, good, ...rest }: GuardState): SavedGuard {
  return { ...rest, influence: savedInfluence(influence), good: good && { ...good, drifts: [...good.drifts] } };
}

export function restoredGuard({ influence, good, ...rest }: SavedGuard): GuardState {
  const driftsOf = (saved: NonNullable<SavedGuard['good']>['drifts']): Map<string, Drift> =>
    new Map(Array.isArray(saved) ? saved : Object.entries(saved));
  return {
    ...rest,
    influence: restoredInfluence(influence),
    good: good && { ...good, drifts: driftsOf(good.drifts) },
  };
}
