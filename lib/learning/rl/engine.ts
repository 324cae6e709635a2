/** What makes gradient steps: the project's own kernels, or TensorFlow.js. The trainer around it is the same. */
import type { AdamRates } from './adam-rates';
import type { NetworkShape } from './network';
import type { Batch, TrainerSettings, TrainingStep } from './training-step';

export interface OptimizerState {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly steps: number;
}

export interface TrainerState {
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  readonly optimizer: OptimizerState;
}

/** Holds parameters and Adam's moments, and moves them. */
export interface Engine {
  /** One gradient step, `steps` counted from 1; the parameters after it are to be read before the next. */
  step(
    batch: Batch,
    steps: number,
    rates: AdamRates,
  ): { readonly report: TrainingStep; readonly parameters: Float32Array };
  /**
   * Values of one input times `inputScale` by its own parameters, to be read before the next call, summed as `network.ts` does it. Null where
   * plain memory is as fast.
   */
  readonly predict: ((x: Float32Array, inputScale: number) => Float32Array) | null;
  /** Values of many inputs (rows x inputs) at once, rows x (actions * heads); by its own parameters or by others. */
  valuesOf(x: Float32Array, rows: number, others: Float32Array | null): Float32Array;
  /** Copies. */
  moments(): { readonly first: Float32Array; readonly second: Float32Array };
  dispose(): void;
}

/** Copies the state. */
export type StartEngine = (shape: NetworkShape, settings: TrainerSettings, state: TrainerState) => Engine;

let inUse: StartEngine | null = null;

/** From now on networks of this thread are trained on it. */
export function trainOn(engine: StartEngine): void {
  inUse = engine;
}

/** The one in use. Throws before any was chosen: a tensor backend chooses it when it is made ready. */
export function engineInUse(): StartEngine {
  if (!inUse) throw new Error('no tensor backend is ready');
  return inUse;
}
