/** Everything about an agent that can be chosen, with the defaults that solve both control tasks of `make bench-rl`. */
import type { Schedule } from './schedule';
import type { TrainerSettings } from './training-step';

export interface AgentSettings extends TrainerSettings {
  /** Units of each of the two hidden layers. */
  readonly hidden: number;
  /** Values per action. 1: explores by chance alone; more: follows one head an episode (bootstrapped DQN). */
  readonly heads: number;
  /** Weight of a reward one step later, 0..1. */
  readonly discount: number;
  /** Steps of reward before the value of a state is asked. */
  readonly returnSteps: number;
  readonly replay: 'fifo' | 'prioritized';
  /** Transitions remembered. */
  readonly replayRows: number;
  /** Prioritised replay: how far importance weights correct the bias, 0..1, by agent step. */
  readonly importance: Schedule;
  /** Probability of a random action, by agent step. */
  readonly exploration: Schedule;
  /** Factor of the learning rate, by agent step. */
  readonly rateFactor: Schedule;
  /** Steps before the first gradient step. */
  readonly warmUpSteps: number;
  /** Steps from one round of training to the next, and gradient steps in each. */
  readonly stepsPerRound: number;
  readonly gradientSteps: number;
  /** Rows of a batch. */
  readonly batchRows: number;
  /** Learn values around the mean reward: for tasks that never end. */
  readonly centreRewards: boolean;
  /** Acts by earlier weights where its episodes have been better with them: for tasks that stay what they are. */
  readonly goesBack: boolean;
  /** Added to a newcomer's values, in units of the value, so that it is tried. */
  readonly newcomerOptimism: number;
}

/** For an agent that will see about `steps` steps. */
export function defaultAgentSettings(steps: number): AgentSettings {
  return {
    // Acrobot: -77 and -80 where 64 units reach -89 and -83; twice the time.
    hidden: 128,
    heads: 1,
    // A horizon of about 100 steps.
    discount: 0.99,
    // Hessel et al. 2018; more steps trust too many actions of an older policy.
    returnSteps: 3,
    replay: 'fifo',
    // All of a run on CartPole: what falling looks like must not be forgotten while the agent balances.
    replayRows: 50_000,
    // Schaul et al. 2016: the bias matters most near the end.
    importance: { from: 0.4, to: 1, overSteps: steps },
    // By chance at first; later one action in 25, so that states beside the beaten track stay known.
    exploration: { from: 1, to: 0.04, overSteps: 0.16 * steps },
    // Late steps polish: with a constant rate the last weights are a lottery (500 to 13 on CartPole was seen).
    rateFactor: { from: 1, to: 0.02, overSteps: steps },
    // Some tens of batches: fewer rows would be learned by heart.
    warmUpSteps: 1000,
    // Each row is drawn about 32 times in all.
    stepsPerRound: 2,
    gradientSteps: 1,
    batchRows: 64,
    // Adam's own default.
    learningRate: 1e-3,
    // Rows come again and again, but never the same targets: nothing to hold back.
    weightDecay: 0,
    // With values of about unit size, only absurd errors are cut.
    huberDelta: 1,
    // Rarely reached: a guard, not a regulator.
    gradientClip: 10,
    // A running mean over the last 200 gradient steps.
    targetUpdate: { kind: 'polyak', share: 0.005 },
    centreRewards: false,
    goesBack: true,
    newcomerOptimism: 0,
  };
}
