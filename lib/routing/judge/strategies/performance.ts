/**
 * PERFORMANCE maximises quality per time: fast and reliable models win unless they answer badly, and cost does not count.
 * Ten per cent more of it is e-fold more probable; what nobody notices of a latency makes no difference.
 */
import { zeros } from '../../../doubles';
import { softmax } from '../distribution';
import type { Strategy } from '../strategy';
import { expectedQualities, staticJudgement } from './expectations';

/** On the log of quality per time: 10 % more is e-fold more probable. */
const temperature = 0.1;
/** Below a tenth of the latency scale nobody notices the difference. */
const unnoticedShare = 0.1;
const leastQuality = 1e-6;

export const performance: Strategy = (opened) => {
  const unnoticedMs = opened.utilityScale.latencyMs * unnoticedShare;
  const qualities = expectedQualities(opened);
  const scores = zeros(qualities.length);
  for (let i = 0; i < scores.length; i++) {
    const { errorRate, expectedLatencyMs } = opened.candidates[i]!;
    // Errors count once more than in the quality: trying the next model takes time.
    const reliable = Math.max(leastQuality, qualities[i]! * (1 - errorRate));
    scores[i] = Math.log(reliable / (expectedLatencyMs + unnoticedMs));
  }
  return staticJudgement(opened, qualities, softmax(opened.candidates, scores, temperature));
};
