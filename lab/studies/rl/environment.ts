/** A task of many steps, as the benchmark runs it: a control task, or sessions of requests. */
import type { EpisodeEnd } from '../../../lib/learning/rl/transition';
import type { Random } from '../../../lib/ports/random';

export interface StepResult {
  readonly observation: Float32Array;
  readonly reward: number;
  readonly end: EpisodeEnd;
}

export interface Environment {
  readonly name: string;
  /** Size of each component of an observation in play, in its unit: what it is divided by before an agent sees it. */
  readonly typicalObservation: readonly number[];
  readonly actions: number;
  /** Starts an episode from the task's start distribution. */
  reset(random: Random): Float32Array;
  /** Actions that can be taken now, 1 or 0 each; all where a task does not say. */
  allowed?(): Uint8Array;
  /** Call after `reset`, until the episode has ended. */
  step(action: number): StepResult;
}
