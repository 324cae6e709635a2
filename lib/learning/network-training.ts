/** Which rewards the Q-network learns from, and how often: batches drawn from the newest rows of the replay. */
import type { LearningConfig } from '../config/router-config';
import type { Random } from '../ports/random';
import type { LearningEvent } from '../topics/generated/messages';
import { inBootstrap } from './agent/bootstrap';
import { outputsOf } from './agent/network';
import { type NextValues, tdTarget } from './agent/td-target';
import type { Batch, TrainingStep } from './agent/trainer';
import { type Basis, describe, phiSize } from './basis';
import { targetOf } from './learn-rewards';
import type { FoldParts } from './learner-state';
import { batchRows, type NeuralHalf } from './neural-half';
import { type Outcome, type Replay, type ReplayRow, replaySize, rowAt } from './replay';

/** One step per event while the replay is small... */
const eagerEvents = 300;
/** ...and every eighth after that: the network is the dearest part, and quality is the same (see the decision record). */
const eventsPerStep = 8;
/** The Q-network alone has to carry everything. */
const eagerEventsAlone = 1000;
const eventsPerStepAlone = 2;

/** Gradient steps after the `events`-th event. A fixed rule by count. */
export function trainingSteps(events: number, pipeline: LearningConfig['pipeline']): number {
  const alone = pipeline === 'dqn';
  const every = alone ? eventsPerStepAlone : eventsPerStep;
  return events <= (alone ? eagerEventsAlone : eagerEvents) || events % every === 0 ? 1 : 0;
}

/** Discount of the next request's value: each request is an episode of its own. */
const oneShot = 0;

/** The gradient steps that this event brings. */
export function trainNetwork(fold: FoldParts, event: LearningEvent): void {
  const { state, options } = fold;
  if (!state.neural || !state.basis || event.kind === 'CLOSED') return;
  for (let step = trainingSteps(state.events, options.config.pipeline); step > 0; step--) {
    const { loss } = trainOnReplay(state.neural, {
      replay: state.replay,
      newest: options.config.networkReplayRows,
      basis: state.basis,
      seed: options.seed,
      discount: oneShot,
      random: state.random,
      armOf: (model) => state.models.indexOf(model),
      targetOf: (arm, outcome) => targetOf(fold, arm, outcome),
    });
    state.loss += 0.01 * (loss - state.loss);
  }
}

export interface TrainingSource {
  readonly replay: Replay;
  /** How many of the newest rows. */
  readonly newest: number;
  readonly basis: { readonly fitted: Basis; readonly number: number };
  readonly seed: number;
  /** Weight of the next request of a session; 0 makes every request an episode of its own. */
  readonly discount: number;
  readonly random: Random;
  readonly armOf: (model: string) => number;
  /** Standardised reward minus the model's mean. */
  readonly targetOf: (arm: number, outcome: Outcome) => number;
}

/** One gradient step on a random batch. */
export function trainOnReplay(neural: NeuralHalf, source: TrainingSource): TrainingStep {
  return neural.train(drawBatch(neural, source));
}

function drawBatch(neural: NeuralHalf, source: TrainingSource): Batch {
  const { inputs, heads } = neural.shape;
  const outputs = outputsOf(neural.shape);
  const batch: Batch = {
    rows: batchRows,
    x: new Float32Array(batchRows * inputs),
    targets: new Float32Array(batchRows * outputs),
    weights: new Float32Array(batchRows * outputs),
  };
  const available = Math.min(source.newest, replaySize(source.replay));
  const oldest = replaySize(source.replay) - available;
  const scale = source.basis.fitted.networkScale;
  for (let i = 0; i < batchRows; i++) {
    const row = rowAt(source.replay, oldest + source.random.integer(available));
    const x = inputOf(row, source);
    for (let j = 0; j < inputs; j++) batch.x[i * inputs + j] = x[j]! * scale;
    const next = source.discount > 0 && row.next ? nextValues(neural, inputOf(row.next, source), scale) : null;
    for (let o = 0; o < row.outcomes.length; o++) {
      const outcome = row.outcomes[o]!;
      const arm = source.armOf(outcome.model);
      if (arm < 0) continue;
      const reward = source.targetOf(arm, outcome);
      const transition = { reward, discount: source.discount, nextAllowed: null };
      for (let m = 0; m < heads; m++) {
        if (!inBootstrap(source.seed, row.offset, o * heads + m)) continue;
        const at = i * outputs + arm * heads + m;
        batch.targets[at] = tdTarget(transition, m, next, neural.shape);
        batch.weights[at] = 1 / row.outcomes.length;
      }
    }
  }
  return batch;
}

function nextValues(neural: NeuralHalf, x: Float32Array, scale: number): NextValues {
  const online = neural.predict(x, scale, 'online').slice();
  return { online, target: neural.predict(x, scale, 'target').slice() };
}

/** X of a row in the current basis, computed once per basis. */
function inputOf(row: ReplayRow, { basis }: TrainingSource): Float32Array {
  if (row.x === null || row.xBasis !== basis.number) {
    row.x = new Float32Array(basis.fitted.xSize);
    row.xBasis = basis.number;
    describe(basis.fitted, row.features, row.x, new Float32Array(phiSize(basis.fitted)));
  }
  return row.x;
}
