/**
 * What scores may be before they are kept. Threads may be another program's: without these bounds a pending row would have
 * no largest size, and no changelog could hold it. Whether a judgement makes sense is seen when it is used.
 */
import { maxModels } from '../../lib/config/router-config';
import { maxErrorLength } from '../../lib/routing/judge/judge-thread';
import type { StrategyScored } from '../../lib/topics/generated/messages';
import { codePointsOf, maxIdChars } from '../../lib/topics/identifiers';

/** More than anybody can ask for. */
const maxThreads = 8;
/** Groups kept while the request is not there to say which are asked. */
export const maxGroups = 8;

export interface ScoredFault {
  /** Path of the offending field. */
  readonly field: string;
  readonly reason: string;
}

export function scoredFault(scored: StrategyScored): ScoredFault | null {
  for (const field of ['requestId', 'routingKey', 'group'] as const) {
    const length = codePointsOf(scored[field]);
    if (length === 0 || length > maxIdChars)
      return { field, reason: `has ${length} characters, not 1 to ${maxIdChars}` };
  }
  if (scored.threads.length > maxThreads)
    return { field: 'threads', reason: `are ${scored.threads.length}, at most ${maxThreads}` };
  for (const [i, thread] of scored.threads.entries()) {
    if (codePointsOf(thread.strategy) > maxIdChars)
      return {
        field: `threads.${i}.strategy`,
        reason: `has ${codePointsOf(thread.strategy)} characters, at most ${maxIdChars}`,
      };
    if ((thread.policySha256?.length ?? 0) > maxIdChars)
      return { field: `threads.${i}.policySha256`, reason: 'is no hash' };
    for (const field of ['probabilities', 'utilities', 'qualities'] as const) {
      const { length } = thread[field];
      if (length > maxModels)
        return { field: `threads.${i}.${field}`, reason: `has ${length} numbers, at most ${maxModels}` };
    }
  }
  return null;
}

/** The scores as they are kept: what failed threads say may be of any length. */
export function shortened(scored: StrategyScored): StrategyScored {
  if (scored.threads.every(({ error }) => (error?.length ?? 0) <= maxErrorLength)) return scored;
  const threads = scored.threads.map((thread) => ({
    ...thread,
    error: thread.error?.slice(0, maxErrorLength) ?? null,
  }));
  return { ...scored, threads };
}
