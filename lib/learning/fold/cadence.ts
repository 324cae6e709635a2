/** When the learner publishes: by counts alone, never by time. */
import type { LearningConfig } from '../../config/router-config';

/** A policy every so many rewards at the very first, when each one changes what is best... */
const firstPolicySteps = 16;
const firstRewards = 320;
/** ...at least every so many while little is known... */
const leastPolicySteps = 32;
/** ...and later when there is a hundredth more to know. Measured: 1, 8 and 32 learn equally well, 512 loses .03. */
const policyShare = 100;
/** Everything is fitted anew when rewards have grown by this factor... */
const refitGrowth = 1.3;
/** ...and while there are fewer than so many, when they have doubled: a fit takes longer than a hundred of them. */
const fewRewards = 300;

/** Rewards at which everything is fitted anew, after a fit at `rewards`. */
export function nextRefit(rewards: number): number {
  return rewards * (rewards < fewRewards ? 2 : refitGrowth);
}

/** Events between two tunings. */
const tuningEvents = 8;

/** Rewards after which the next policy is due, at `rewards` learned. */
export function policyStep(publish: LearningConfig['publish'], rewards: number): number {
  if (publish === 'lockstep') return 1;
  return rewards < firstRewards ? firstPolicySteps : Math.max(leastPolicySteps, Math.floor(rewards / policyShare));
}

/** Events after which the next tuning is due. */
export function tuningStep(publish: LearningConfig['publish']): number {
  return publish === 'lockstep' ? 1 : tuningEvents;
}
