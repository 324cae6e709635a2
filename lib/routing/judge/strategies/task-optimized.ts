/**
 * TASK_OPTIMIZED maximises expected quality for this type of task, whatever it costs and however long it takes.
 * Who was seldom seen gets a bonus for it, so that models are tried until they have shown what they can do.
 */
import { zeros } from '../../../doubles';
import { softmax } from '../distribution';
import type { Strategy } from '../strategy';
import { expectedQualities, staticJudgement } from './expectations';

/** Candidates whose quality differs by this much differ e-fold in probability. */
const temperature = 0.02;
/** What ignorance adds to the quality of a model that was never observed: it is tried until it has shown what it can do. */
const uncertaintyBonus = 0.1;

export const taskOptimized: Strategy = (opened) => {
  const qualities = expectedQualities(opened);
  const hopes = zeros(qualities.length);
  for (let i = 0; i < hopes.length; i++)
    hopes[i] = qualities[i]! + uncertaintyBonus / Math.sqrt(1 + opened.candidates[i]!.observations);
  return staticJudgement(opened, qualities, softmax(opened.candidates, hopes, temperature));
};
