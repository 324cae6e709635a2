/** Trains an agent on a task for a number of steps, and measures what it learned on episodes of its own. */
import type { Agent } from '../../../lib/learning/rl/agent';
import type { Random } from '../../../lib/ports/random';
import type { Environment } from './environment';

export interface TrainingRun {
  readonly steps: number;
  /** Brings values to about unit size: an agent wants them so. */
  readonly rewardScale: number;
  readonly random: Random;
}

/** Exactly `steps` steps of the environment; an episode that does not fit in is cut off. */
export function trainAgent(agent: Agent, environment: Environment, { steps, rewardScale, random }: TrainingRun): void {
  let features = featuresOf(environment, environment.reset(random));
  for (let step = 0; step < steps; step++) {
    const action = agent.act(features, allowedIn(environment));
    const { observation, reward, end: ownEnd } = environment.step(action);
    const next = featuresOf(environment, observation);
    const end = ownEnd === 'none' && step === steps - 1 ? 'truncated' : ownEnd;
    const nextAllowed = ownEnd === 'none' ? allowedIn(environment) : null;
    agent.observe({ features, action, reward: reward * rewardScale, next, nextAllowed, end });
    features = end === 'none' ? next : featuresOf(environment, environment.reset(random));
  }
}

/** Mean undiscounted return of `episodes` greedy episodes. The agent learns nothing from them. */
export function greedyReturn(agent: Agent, environment: Environment, episodes: number, random: Random): number {
  let total = 0;
  for (let episode = 0; episode < episodes; episode++) {
    let features = featuresOf(environment, environment.reset(random));
    for (let running = true; running; ) {
      const { observation, reward, end } = environment.step(agent.greedy(features, allowedIn(environment)));
      total += reward;
      features = featuresOf(environment, observation);
      running = end === 'none';
    }
  }
  return total / episodes;
}

function allowedIn(environment: Environment): Uint8Array | null {
  return environment.allowed?.() ?? null;
}

/** An observation at about unit size, as the agent wants its features. */
function featuresOf({ typicalObservation }: Environment, observation: Float32Array): Float32Array {
  return observation.map((value, i) => value / typicalObservation[i]!);
}
