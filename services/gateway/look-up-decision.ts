/**
 * Finds the decision of a report in the log: the newest records first, since most reports come soon, and never more than
 * a stated number. An id that nobody knows costs one look; many at once do not add up.
 */
import type { Clock } from '../../lib/ports/clock';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { type FindDecisionOptions, type Found, findAmongNewest } from './find-decision';

export interface DecisionLookup {
  /**
   * `searchedAll` false: it may still exist, in older records than were looked at, or because too many look-ups were under
   * way. At most `maxRecords` of each partition are looked at.
   */
  find(decisionId: string, routingKey: string | null, maxRecords: number): Promise<Found>;
}

export interface DecisionLookupOptions {
  readonly search: Omit<FindDecisionOptions, 'maxScannedRecords'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onFound: (decision: RouteDecided) => void;
}

/** Look-ups that read the log at once; more are not made, and their reports are judged downstream. */
const maxUnderWay = 16;
/** An id that is not there is not looked for again so soon. */
const unknownForMs = 1_000;
const maxUnknown = 1_000;

export function createDecisionLookup({ search, clock, onFound }: DecisionLookupOptions): DecisionLookup {
  const underWay = new Map<string, Promise<Found>>();
  // A Map iterates in order of insertion, so the first key is the oldest.
  const unknownUntilMs = new Map<string, number>();

  const look = async (key: string, decisionId: string, routingKey: string | null, max: number): Promise<Found> => {
    const found = await findAmongNewest(search, decisionId, routingKey, max);
    if (found.decision) onFound(found.decision);
    else if (found.searchedAll) {
      unknownUntilMs.delete(key);
      unknownUntilMs.set(key, clock.monotonicMs() + unknownForMs);
      const oldest = unknownUntilMs.keys().next();
      if (unknownUntilMs.size > maxUnknown && !oldest.done) unknownUntilMs.delete(oldest.value);
    }
    return found;
  };

  return {
    find(decisionId, routingKey, maxRecords) {
      const key = JSON.stringify([decisionId, routingKey, maxRecords]);
      if ((unknownUntilMs.get(key) ?? 0) > clock.monotonicMs())
        return Promise.resolve({ decision: null, searchedAll: true });
      const same = underWay.get(key);
      if (same) return same;
      if (underWay.size >= maxUnderWay) return Promise.resolve({ decision: null, searchedAll: false });
      const looking = look(key, decisionId, routingKey, maxRecords).finally(() => underWay.delete(key));
      underWay.set(key, looking);
      return looking;
    },
  };
}
