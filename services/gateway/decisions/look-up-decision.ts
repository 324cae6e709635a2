/**
 * Finds the decision of a report in the log: the newest records first, since most reports come soon, and never more than
 * a stated number. An id that nobody knows costs one look; of many at once one is looked for at a time.
 */
import { newestEntries } from '../../../lib/newest-entries';
import type { Clock } from '../../../lib/ports/clock';
import type {
  KeptAnswer,
  KeptResponse,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../../lib/topics/generated/messages';
import { HttpError } from '../http/http-error';
import {
  type Found,
  findDecision,
  findKeptAnswer,
  findKeptResponses,
  findOpened,
  findReports,
  findTrace,
  type SearchedLog,
} from './find-decision';

export interface DecisionLookup {
  /**
   * `searchedAll` false: it may still exist, in older records than were looked at. At most `maxRecords` of each partition
   * are looked at. Rejects with an HttpError where too many look-ups wait for their turn.
   */
  find(decisionId: string, routingKey: string | null, maxRecords: number): Promise<Found>;
  /** The first record with this id, where it is among the newest that a search looks at. Takes its turn with the others. */
  first(decisionId: string, routingKey: string | null): Promise<RouteDecided | null>;
  /** What was reported of it, as far as the newest `maxRecords` of its partition say. Takes its turn with the others. */
  reports(decisionId: string, routingKey: string, maxRecords: number): Promise<RouteOutcome[]>;
  /** The id of the trace that it was made in, likewise; null where there is none. */
  trace(decisionId: string, routingKey: string, maxRecords: number): Promise<string | null>;
  /** Its request as it was opened, likewise. */
  opened(decisionId: string, routingKey: string, maxRecords: number): Promise<RouteOpened | null>;
  /** Its answer, where one was kept, likewise. */
  answer(decisionId: string, routingKey: string, maxRecords: number): Promise<KeptAnswer | null>;
  /** Who was passed on something that a provider keeps, as far as the newest `maxScannedRecords` say; the newest last. */
  keptResponses(id: string): Promise<KeptResponse[]>;
}

export interface DecisionLookupOptions {
  readonly search: SearchedLog & {
    /** Newest offsets that `first` looks at in each partition. */
    readonly maxScannedRecords: number;
  };
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onFound: (decision: RouteDecided) => void;
}

/** Look-ups that wait for their turn: one reads the log at a time, since several would hold up everything else together. */
const maxUnderWay = 128;
/** An id that is not there is not looked for again so soon. */
const unknownForMs = 1_000;
const maxUnknown = 1_000;

export function createDecisionLookup({ search, clock, onFound }: DecisionLookupOptions): DecisionLookup {
  const underWay = new Map<string, Promise<Found>>();
  // Ids come from outside, as many as somebody likes: the one set longest ago makes room, since nothing but `peek` reads them.
  const unknownUntilMs = newestEntries<string, number>(maxUnknown);

  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    if (waiting >= maxUnderWay)
      return Promise.reject(new HttpError('overloaded', 'too many decisions are being looked up; try again later'));
    waiting++;
    const result = turn.then(task).finally(() => waiting--);
    turn = result.catch(() => {});
    return result;
  };

  const look = async (key: string, decisionId: string, routingKey: string | null, max: number): Promise<Found> => {
    const found = await findDecision(search, { decisionId, routingKey, maxRecords: max, wants: 'any' });
    if (found.decision) onFound(found.decision);
    else if (found.searchedAll) {
      unknownUntilMs.set(key, clock.monotonicMs() + unknownForMs);
    }
    return found;
  };

  return {
    find(decisionId, routingKey, maxRecords) {
      const key = JSON.stringify([decisionId, routingKey, maxRecords]);
      if ((unknownUntilMs.peek(key) ?? 0) > clock.monotonicMs())
        return Promise.resolve({ decision: null, searchedAll: true });
      const same = underWay.get(key);
      if (same) return same;
      const looking = inTurn(() => look(key, decisionId, routingKey, maxRecords)).finally(() => underWay.delete(key));
      underWay.set(key, looking);
      return looking;
    },
    first: (decisionId, routingKey) =>
      inTurn(async () => {
        const { maxScannedRecords: maxRecords } = search;
        return (await findDecision(search, { decisionId, routingKey, maxRecords, wants: 'first' })).decision;
      }),
    reports: (decisionId, routingKey, maxRecords) =>
      inTurn(() => findReports(search, decisionId, routingKey, maxRecords)),
    trace: (decisionId, routingKey, maxRecords) => inTurn(() => findTrace(search, decisionId, routingKey, maxRecords)),
    opened: (decisionId, routingKey, maxRecords) =>
      inTurn(() => findOpened(search, decisionId, routingKey, maxRecords)),
    answer: (decisionId, routingKey, maxRecords) =>
      inTurn(() => findKeptAnswer(search, decisionId, routingKey, maxRecords)),
    keptResponses: (id) => inTurn(() => findKeptResponses(search, id, search.maxScannedRecords)),
  };
}
