/**
 * A DQN agent (Mnih et al. 2015) with what was learned since: Double DQN, n-step returns, prioritised replay, bootstrap
 * heads. It acts, is told what came of it, and learns; all randomness comes from its seed. No Kafka, no engine in it.
 *
 *     const agent = createAgent({ inputs: 4, actions: 2, seed: 1, settings: defaultAgentSettings(50_000) });
 *     const action = agent.act(features);
 *     agent.observe({ features, action, reward, next, nextAllowed: null, end: 'none' });
 */
import type { Random } from '../../ports/random';
import { seededRandom } from '../../random/seeded';
import { createBestRecord } from './best-record';
import { inBootstrap } from './bootstrap';
import { createNStep } from './n-step';
import { createPrioritizedReplay } from './prioritized-replay';
import { rearrangeActions } from './rearrange-actions';
import { createFifoReplay, type Replay, type Sample } from './replay';
import { createRewardCentre, observeRewards } from './reward-centring';
import { valueAt } from './schedule';
import type { AgentSettings } from './settings';
import { type NextValues, preferredAction, tdTarget } from './td-target';
import { createTrainer, type Trainer } from './trainer';
import type { Batch, TrainingStep } from './training-step';
import type { Experience, Transition } from './transition';

export interface AgentOptions {
  /** Length of the features, which should be of about unit size. */
  readonly inputs: number;
  readonly actions: number;
  readonly seed: number;
  readonly settings: AgentSettings;
}

export interface Agent {
  readonly trainer: Trainer;
  /** Experiences observed. */
  readonly steps: number;
  /** An action to take, exploring as scheduled. `allowed`: 1 or 0 per action; null: all. Throws when none is. */
  act(features: Float32Array, allowed?: Uint8Array | null): number;
  /**
   * The best action without exploration: by the mean of the heads of the target network. A greedy policy flips in many
   * states from one gradient step to the next (policy churn); a running mean of the weights keeps still. Where its own
   * episodes have been better with earlier weights, those count instead (`goesBack`).
   */
  greedy(features: Float32Array, allowed?: Uint8Array | null): number;
  /** Takes one step in; trains when it is time. Returns the last gradient step made, null when there was none. */
  observe(experience: Experience): TrainingStep | null;
  /** A transition made elsewhere, for instance from recorded sessions; `learn` trains on it. */
  remember(transition: Transition): void;
  /** One gradient step on a random batch. The replay must not be empty. */
  learn(): TrainingStep;
  /** Other actions: `from[i]` is the old number of action i, -1 for a newcomer. What was learned of the rest stays. */
  changeActions(from: readonly number[]): void;
  dispose(): void;
}

/** Starts an agent that knows nothing. The tensor backend must be ready. */
export function createAgent({ inputs, actions, seed, settings }: AgentOptions): Agent {
  const { heads, hidden, discount, replayRows } = settings;
  const random = {
    weights: seededRandom(seed, 'agent', 'weights'),
    acting: seededRandom(seed, 'agent', 'acting'),
    replay: seededRandom(seed, 'agent', 'replay'),
  };
  let trainer = createTrainer({ inputs, hidden, actions, heads }, settings, random.weights);
  let replay: Replay = settings.replay === 'fifo' ? createFifoReplay(replayRows) : createPrioritizedReplay(replayRows);
  const returns = createNStep(settings.returnSteps, discount);
  const centre = createRewardCentre();
  let record = createBestRecord();
  let steps = 0;
  let actingHead = random.acting.integer(heads);

  const learn = (): TrainingStep => {
    const sample = replay.sample(settings.batchRows, random.replay, valueAt(settings.importance, steps));
    if (settings.centreRewards) observeRewards(centre, sample.transitions);
    const next = nextValues(trainer, sample.transitions);
    const batch = batchOf(trainer, sample, next, centre.mean, seed);
    const step = trainer.train(batch, { rateFactor: valueAt(settings.rateFactor, steps) });
    replay.update(sample.slots, rowErrors(batch, step.values));
    return step;
  };

  return {
    get trainer() {
      return trainer;
    },
    get steps() {
      return steps;
    },
    act(features, allowed = null) {
      if (random.acting.next() < valueAt(settings.exploration, steps))
        return randomAction(trainer.shape.actions, allowed, random.acting);
      return chosen(preferredAction(trainer.predict(features, 1), trainer.shape, 0, actingHead, allowed));
    },
    greedy(features, allowed = null) {
      const better = settings.goesBack ? record.better() : null;
      const means = headMeans(trainer.predict(features, 1, better ?? 'target'), heads);
      return chosen(preferredAction(means, { actions: trainer.shape.actions, heads: 1 }, 0, 0, allowed));
    },
    observe(experience) {
      steps++;
      for (const transition of returns.add(experience)) replay.add(transition);
      if (experience.end !== 'none') actingHead = random.acting.integer(heads);
      let last: TrainingStep | null = null;
      if (steps >= settings.warmUpSteps && steps % settings.stepsPerRound === 0)
        for (let i = 0; i < settings.gradientSteps; i++) last = learn();
      record.observe(experience.reward, experience.end !== 'none', trainer.target);
      return last;
    },
    remember: (transition) => replay.add(transition),
    learn,
    changeActions(from) {
      const newcomer = { kind: 'mean', optimism: settings.newcomerOptimism } as const;
      trainer = rearrangeActions(trainer, from, newcomer);
      returns.clear();
      record = createBestRecord({ isUnderWay: steps > 0 });
      replay = replay.refilled(renumbered(replay.transitions(), from));
    },
    dispose: () => trainer.dispose(),
  };
}

/** Both networks' values of all next states of a batch; a state that is over is a row of zeros nobody reads. */
function nextValues(trainer: Trainer, transitions: readonly Transition[]): NextValues | null {
  if (transitions.every(({ discount }) => discount === 0)) return null;
  const { inputs } = trainer.shape;
  const x = new Float32Array(transitions.length * inputs);
  transitions.forEach(({ next }, i) => {
    if (next) x.set(next, i * inputs);
  });
  return {
    online: trainer.predictBatch(x, transitions.length, 'online'),
    target: trainer.predictBatch(x, transitions.length, 'target'),
  };
}

/** Targets for the actions taken, of the heads that learn from each row. */
function batchOf(trainer: Trainer, sample: Sample, next: NextValues | null, meanReward: number, seed: number): Batch {
  const { inputs, actions, heads } = trainer.shape;
  const rows = sample.transitions.length;
  const x = new Float32Array(rows * inputs);
  const targets = new Float32Array(rows * actions * heads);
  const weights = new Float32Array(rows * actions * heads);
  sample.transitions.forEach((transition, row) => {
    x.set(transition.features, row * inputs);
    const centred = { ...transition, reward: transition.reward - meanReward * transition.rewardWeight };
    for (let head = 0; head < heads; head++) {
      if (heads > 1 && !inBootstrap(seed, transition.number, head)) continue;
      const at = (row * actions + transition.action) * heads + head;
      targets[at] = tdTarget(centred, head, transition.next ? next : null, trainer.shape, row);
      weights[at] = sample.weights[row]!;
    }
  });
  return { rows, x, targets, weights };
}

/** Mean |target - value| of the heads that learned, per row. */
function rowErrors(batch: Batch, values: Float32Array): number[] {
  const outputs = batch.targets.length / batch.rows;
  return Array.from({ length: batch.rows }, (_, row) => {
    let sum = 0;
    let count = 0;
    for (let at = row * outputs; at < (row + 1) * outputs; at++) {
      if (batch.weights[at] === 0) continue;
      sum += Math.abs(batch.targets[at]! - values[at]!);
      count++;
    }
    return count === 0 ? 0 : sum / count;
  });
}

function headMeans(values: Float32Array, heads: number): Float32Array {
  const means = new Float32Array(values.length / heads);
  for (let i = 0; i < values.length; i++) means[Math.floor(i / heads)]! += values[i]! / heads;
  return means;
}

function randomAction(actions: number, allowed: Uint8Array | null, random: Random): number {
  if (allowed === null) return random.integer(actions);
  const possible = [...allowed.keys()].filter((action) => allowed[action] !== 0);
  if (possible.length === 0) return chosen(-1);
  return possible[random.integer(possible.length)]!;
}

function chosen(action: number): number {
  if (action < 0) throw new Error('no action is allowed: allow at least one, or end the episode');
  return action;
}

/** Transitions in the numbers of the new actions. Those of actions that are gone are forgotten. */
function renumbered(transitions: readonly Transition[], from: readonly number[]): Transition[] {
  const newNumber = new Map(from.map((old, action) => [old, action]));
  return transitions.flatMap((transition) => {
    const action = newNumber.get(transition.action);
    if (action === undefined) return [];
    const { nextAllowed } = transition;
    // A newcomer was not to be had at that time.
    const allowed = nextAllowed && Uint8Array.from(from, (old) => (old < 0 ? 0 : nextAllowed[old]!));
    return [{ ...transition, action, nextAllowed: allowed }];
  });
}
