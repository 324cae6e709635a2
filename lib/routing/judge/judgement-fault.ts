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
  const fault =
    numbersFault(utilities, count) ?? numbersFault(qualities, count) ?? distributionFault(probabilities, candidates);
  if (fault) return fault;
  for (let i = 0; i < count; i++) if (!isShare(qualities[i]!)) return 'a quality is not 0 to 1';
  if (!Number.isFinite(confidence)) return 'confidence is not finite';
  return isShare(confidence) ? null : `confidence is ${confidence}, not 0 to 1`;
}

function numbersFault(values: readonly number[], count: number): string | null {
  if (values.length !== count) return `judged ${values.length} candidates of ${count}`;
  for (let i = 0; i < count; i++) if (!Number.isFinite(values[i]!)) return 'judgement is not finite';
  return null;
}
