/** Which rewards the Q-network learns from, and how often: batches drawn from the newest rows of the replay. */
import type { LearningConfig } from '../../config/router-config';
import type { Random } from '../../ports/random';
import type { Basis } from '../features/basis';
import { targetOf } from '../fold/learn-rewards';
import type { FoldParts } from '../fold/learner-state';
import { describedIn, type Outcome, type Replay, type ReplayRow, replaySize, rowAt } from '../fold/replay';
import { observeTraining } from '../guard/soundness';
import { inBootstrap } from '../rl/bootstrap';
import { outputsOf } from '../rl/network';
import { type NextValues, tdTarget } from '../rl/td-target';
import type { StepRates, WhichNetwork } from '../rl/trainer';
import type { Batch, TrainingStep } from '../rl/training-step';
import { explainedShare } from './mix';
import { batchRows, type NeuralHalf, weightDecayOf } from './neural-half';

/**
 * Gradient steps are dear early and cheap late: what is not learned in the first thousands of requests is lost on them, and
 * a busy stream has passed them within seconds.
 */
interface Pace {
  /** Up to so many events... */
  readonly events: number;
  /** ...so many steps for each. */
  readonly steps: number;
}
const paces: Readonly<Record<LearningConfig['pipeline'], readonly Pace[]>> = {
  full: [
    { events: 1_000, steps: 1 },
    { events: 10_000, steps: 0.2 },
    { events: Infinity, steps: 0.1 },
  ],
  // The Q-network alone has to carry everything.
  dqn: [
    { events: 10_000, steps: 2 },
    { events: Infinity, steps: 0.5 },
  ],
};
/** Steps on what the cold start has gathered, before the first policy: nothing is served by a network that knows nothing. */
const firstSteps = 200;

/** Gradient steps after the `events`-th event, `share` of those the schedule brings. A fixed rule by count. */
export function trainingSteps(events: number, pipeline: LearningConfig['pipeline'], share = 1): number {
  const steps = share * paces[pipeline].find((pace) => events <= pace.events)!.steps;
  return Math.floor(events * steps) - Math.floor((events - 1) * steps);
}

/** The gradient steps that this event brings. */
export function trainNetwork(fold: FoldParts): void {
  const { state, options } = fold;
  if (!state.neural || !state.basis) return;
  const steps =
    state.policy === null ? firstSteps : trainingSteps(state.events, options.config.pipeline, state.pace.steps);
  const rates = ratesOf(fold);
  for (let step = 0; step < steps; step++) {
    const trained = trainOnReplay(state.neural, rates, {
      replay: state.replay,
      newest: options.config.networkReplayRows,
      basis: state.basis,
      seed: options.seed,
      discount: options.config.sessionDiscount,
      random: state.random,
      armOf: (model) => state.models.indexOf(model),
      targetOf: (arm, outcome) => targetOf(fold, arm, outcome),
      armMeans: state.armMeans,
    });
    if (!observeTraining(fold, trained)) return;
    state.loss += 0.01 * (trained.loss - state.loss);
  }
}

/**
 * The Q-network alone is held back as far as it has not proven right. Beside the linear half its weight in the mixture does
 * that, and with a session discount its values are more than the rewards they would be compared with.
 */
function ratesOf({ state, options }: FoldParts): StepRates {
  const { pipeline, sessionDiscount } = options.config;
  const isJudged = pipeline === 'dqn' && sessionDiscount === 0 && state.policy !== null;
  return isJudged ? { weightDecay: weightDecayOf(explainedShare(state.mix)) } : {};
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
  /** What `targetOf` takes off, per model: a next request is worth the model's mean and what the network says on top. */
  readonly armMeans: readonly number[];
}

/** One gradient step on a random batch. */
export function trainOnReplay(neural: NeuralHalf, rates: StepRates, source: TrainingSource): TrainingStep {
  return neural.train(drawBatch(neural, source), rates);
}

type ScaledBatch = Batch & { inputScale: number };

let batchInUse: ScaledBatch | null = null;

/** The same memory as long as the network keeps its size; nobody keeps a batch beyond its step. */
function emptyBatch(inputs: number, outputs: number): ScaledBatch {
  if (batchInUse?.x.length === batchRows * inputs && batchInUse.targets.length === batchRows * outputs) {
    batchInUse.targets.fill(0);
    batchInUse.weights.fill(0);
    return batchInUse;
  }
  batchInUse = {
    rows: batchRows,
    x: new Float32Array(batchRows * inputs),
    inputScale: 1,
    targets: new Float32Array(batchRows * outputs),
    weights: new Float32Array(batchRows * outputs),
  };
  return batchInUse;
}

function drawBatch(neural: NeuralHalf, source: TrainingSource): Batch {
  const { inputs, heads } = neural.shape;
  const outputs = outputsOf(neural.shape);
  const batch = emptyBatch(inputs, outputs);
  const available = Math.min(source.newest, replaySize(source.replay));
  const oldest = replaySize(source.replay) - available;
  batch.inputScale = source.basis.fitted.networkScale;
  for (let i = 0; i < batchRows; i++) {
    const row = rowAt(source.replay, oldest + source.random.integer(available));
    batch.x.set(describedIn(source.basis, row).x, i * inputs);
    const next = source.discount > 0 && row.next ? nextOf(neural, row.next, source) : null;
    for (let o = 0; o < row.outcomes.length; o++) {
      const outcome = row.outcomes[o]!;
      const arm = source.armOf(outcome.model);
      if (arm < 0) continue;
      const reward = source.targetOf(arm, outcome);
      const learning = o === 0 ? firstHeadsOf(row, source.seed, heads) : null;
      const transition = next && { reward, discount: source.discount, nextAllowed: next.allowed };
      for (let m = 0; m < heads; m++) {
        if (learning === null ? !inBootstrap(source.seed, row.offset, o * heads + m) : !(learning & (1 << m))) continue;
        const at = i * outputs + arm * heads + m;
        batch.targets[at] = transition === null ? reward : tdTarget(transition, m, next, neural.shape);
        batch.weights[at] = 1 / row.outcomes.length;
      }
    }
  }
  return batch;
}

/** Which heads learn from a row's first outcome, a bit each: nearly all rows have one. */
function firstHeadsOf(row: ReplayRow, seed: number, heads: number): number {
  if (row.firstHeads !== null) return row.firstHeads;
  let bits = 0;
  for (let m = 0; m < heads; m++) if (inBootstrap(seed, row.offset, m)) bits |= 1 << m;
  row.firstHeads = bits;
  return bits;
}

/** What both networks say of the next request, and which models could serve it. */
function nextOf(neural: NeuralHalf, row: ReplayRow, source: TrainingSource): NextValues & { allowed: Uint8Array } {
  const { actions, heads } = neural.shape;
  const { x } = describedIn(source.basis, row);
  const valuesOf = (which: WhichNetwork): Float32Array =>
    neural
      .predict(x, source.basis.fitted.networkScale, which)
      .map((value, i) => value + (source.armMeans[Math.floor(i / heads)] ?? 0));
  const allowed = new Uint8Array(actions);
  for (const model of row.eligible ?? []) {
    const arm = source.armOf(model);
    if (arm >= 0) allowed[arm] = 1;
  }
  return { online: valuesOf('online'), target: valuesOf('target'), allowed };
}
