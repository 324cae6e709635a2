/** When the learner publishes: by counts, and by the times that are in the log; never by a clock. */
import type { LearningConfig } from '../../config/router-config';

/** A policy every so many rewards at the very first, when each one changes what is best... */
const firstPolicySteps = 16;
const firstRewards = 320;
/** ...at least every so many while little is known... */
const leastPolicySteps = 32;
/** ...and later when there is a hundredth more to know. Measured: 1, 8 and 32 learn equally well, 512 loses .03. */
const policyShare = 100;
/**
 * Where rewards come faster than that, so much of the log's time lies between two policies: each costs as much as folding six rewards,
 * and while a fold is late nobody gains by a policy that another follows at once.
 */
const leastPolicyMs = 50;
/** By then it is time all the same, as so many times the rewards: openings may be as old as their outcomes are late. */
const mostStretch = 4;
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

/** Rewards after which the next policy may be due, at `rewards` learned. */
function policyStep(publish: LearningConfig['publish'], rewards: number): number {
  if (publish === 'lockstep') return 1;
  return rewards < firstRewards ? firstPolicySteps : Math.max(leastPolicySteps, Math.floor(rewards / policyShare));
}

/** What has come since the newest policy. */
export interface SincePolicy {
  readonly rewards: number;
  /** Between the openings of the requests, one way or the other; 0 where the log has no times. */
  readonly openedMs: number;
}

/** Whether the next policy is due, at `rewards` learned. */
export function isPolicyDue(publish: LearningConfig['publish'], rewards: number, since: SincePolicy): boolean {
  const step = policyStep(publish, rewards);
  if (since.rewards < step) return false;
  const isTooSoon = publish === 'steps' && since.openedMs > 0 && since.openedMs < leastPolicyMs;
  return !isTooSoon || since.rewards >= mostStretch * step;
}

/** Events after which the next tuning is due. */
export function tuningStep(publish: LearningConfig['publish']): number {
  return publish === 'lockstep' ? 1 : tuningEvents;
}
