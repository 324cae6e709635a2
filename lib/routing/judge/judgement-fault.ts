/**
 * Whether what a thread or the cache says is a judgement. Both come from elsewhere (another release, another program, a
 * store anybody may write to), so they are checked before they count.
 */
import type { RouteOpened, ThreadScore } from '../../topics/generated/messages';
import { distributionFault, isShare } from './distribution';

type Judged = Pick<ThreadScore, 'probabilities' | 'utilities' | 'qualities' | 'confidence'>;

/** Null when it can be used. The arrays are in the order of the opened request's candidates. */
export function judgementFault({ candidates }: Pick<RouteOpened, 'candidates'>, judged: Judged): string | null {
  const { probabilities, utilities, qualities, confidence } = judged;
  const count = candidates.length;
  for (const values of [utilities, qualities]) {
    if (values.length !== count) return `judged ${values.length} candidates of ${count}`;
    for (const value of values) if (!Number.isFinite(value)) return 'judgement is not finite';
  }
  const fault = distributionFault(probabilities, candidates);
  if (fault) return fault;
  if (!qualities.every(isShare)) return 'a quality is not 0 to 1';
  if (!Number.isFinite(confidence)) return 'confidence is not finite';
  return isShare(confidence) ? null : `confidence is ${confidence}, not 0 to 1`;
}
