/**
 * n-step returns (Sutton 1988; in DQN: Hessel et al. 2018): the rewards of n steps, then the value of where they led.
 * News travels n times as fast as with single steps, at the price of trusting the n - 1 actions taken on the way.
 */
import type { Experience, Transition } from './transition';

export interface NStep {
  /**
   * Takes the next step of the episode; returns the transitions it completes. An episode's end completes all, with the
   * fewer steps that are left: without a next value after a terminal state, with one where it was only cut off.
   */
  add(experience: Experience): Transition[];
  /** Forgets the steps of an episode that will not be continued. */
  clear(): void;
}

/** `steps` at least 1; `discount` per step, 0..1. */
export function createNStep(steps: number, discount: number): NStep {
  let pending: Experience[] = [];
  let made = 0;

  /** From the oldest pending step to the newest. */
  const fold = (): Transition => {
    const [oldest, newest] = [pending[0]!, pending[pending.length - 1]!];
    let reward = 0;
    let rewardWeight = 0;
    let power = 1;
    for (const step of pending) {
      reward += power * step.reward;
      rewardWeight += power;
      power *= discount;
    }
    const over = newest.end === 'terminal';
    return {
      features: oldest.features,
      action: oldest.action,
      reward,
      rewardWeight,
      next: over ? null : newest.next,
      nextAllowed: over ? null : newest.nextAllowed,
      discount: over ? 0 : power,
      number: made++,
    };
  };

  return {
    add(experience) {
      pending.push(experience);
      const transitions: Transition[] = [];
      while (pending.length > 0 && (experience.end !== 'none' || pending.length >= steps)) {
        transitions.push(fold());
        pending.shift();
      }
      return transitions;
    },
    clear() {
      pending = [];
    },
  };
}
