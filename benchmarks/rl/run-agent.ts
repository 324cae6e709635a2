/** Trains an agent on a control task for a number of steps, and measures what it learned on episodes of its own. */
import type { Agent } from '../../lib/learning/agent/agent';
import type { Random } from '../../lib/ports/random';
import type { Environment } from './environment';

export interface TrainingRun {
  readonly steps: number;
  /** The agent's. */
  readonly discount: number;
  readonly random: Random;
}

/** Exactly `steps` steps of the environment; an episode that does not fit in is cut off. */
export function trainAgent(agent: Agent, environment: Environment, { steps, discount, random }: TrainingRun): void {
  // An agent wants values of about unit size: with rewards up to 1 they are at most 1 / (1 - discount).
  const rewardScale = 1 - discount;
  let features = featuresOf(environment, environment.reset(random));
  for (let step = 0; step < steps; step++) {
    const action = agent.act(features);
    const { observation, reward, end: ownEnd } = environment.step(action);
    const next = featuresOf(environment, observation);
    const end = ownEnd === 'none' && step === steps - 1 ? 'truncated' : ownEnd;
    agent.observe({ features, action, reward: reward * rewardScale, next, nextAllowed: null, end });
    features = end === 'none' ? next : featuresOf(environment, environment.reset(random));
  }
}

/** Mean undiscounted return of `episodes` greedy episodes. The agent learns nothing from them. */
export function greedyReturn(agent: Agent, environment: Environment, episodes: number, random: Random): number {
  let total = 0;
  for (let episode = 0; episode < episodes; episode++) {
    let features = featuresOf(environment, environment.reset(random));
    for (let running = true; running; ) {
      const { observation, reward, end } = environment.step(agent.greedy(features));
      total += reward;
      features = featuresOf(environment, observation);
      running = end === 'none';
    }
  }
  return total / episodes;
}

/** An observation at about unit size, as the agent wants its features. */
function featuresOf({ typicalObservation }: Environment, observation: Float32Array): Float32Array {
  return observation.map((value, i) => value / typicalObservation[i]!);
}
