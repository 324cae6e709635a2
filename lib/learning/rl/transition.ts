/**
 * What the agent learns from. A caller reports experiences, one a step; the replay holds transitions, which may span
 * several steps. Sessions of requests become transitions without any experience: this is the seam.
 */

/** How an episode stands after a step: going on, over for good, or cut off (a limit of time, not of the world). */
export type EpisodeEnd = 'none' | 'terminal' | 'truncated';

/** One step of the world. */
export interface Experience {
  readonly features: Float32Array;
  readonly action: number;
  readonly reward: number;
  /** What followed. Needed when the episode was cut off, too; never read when it is over. */
  readonly next: Float32Array;
  /** Actions that can be taken next, 1 or 0 each; null: all. */
  readonly nextAllowed: Uint8Array | null;
  readonly end: EpisodeEnd;
}

/** One row of the replay. */
export interface Transition {
  readonly features: Float32Array;
  readonly action: number;
  /** Discounted sum of the rewards on the way to `next`. */
  readonly reward: number;
  /** Sum of those rewards' discounts; 1 for one step. What a constant reward of 1 would have added up to. */
  readonly rewardWeight: number;
  /** Null: the episode is over, nothing more can be earned. */
  readonly next: Float32Array | null;
  readonly nextAllowed: Uint8Array | null;
  /** Weight of the value of `next`; 0 makes every transition an episode of its own. */
  readonly discount: number;
  /** Counts the transitions of an agent; decides which bootstrap heads learn from this one. */
  readonly number: number;
}
