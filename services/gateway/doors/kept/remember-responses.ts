/**
 * Which provider keeps a response, or the conversation that it belongs to, and for whom it was passed on. The log knows it for as
 * long as providers keep what they answer, so a restart and other gateways know it, too; the newest are in memory.
 */
import { newestEntries } from '../../../../lib/newest-entries';
import type { Broker } from '../../../../lib/ports/broker';
import type { Clock } from '../../../../lib/ports/clock';
import type { Log } from '../../../../lib/telemetry/log';
import type { Metrics } from '../../../../lib/telemetry/metrics';
import type { KeptResponse } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import type { DecisionLookup } from '../../decisions/look-up-decision';
import { createWriteBehind } from '../../write-behind';

export type Keeper =
  | { readonly kind: 'known'; readonly model: string; readonly provider: string }
  /** Somebody else was passed it on. */
  | { readonly kind: 'of-others' }
  | { readonly kind: 'unknown' };

export interface RememberedResponses {
  remember(kept: Omit<KeptResponse, 'passedOnAtMs'>): void;
  /** Rejects with an HttpError where too much is being looked up in the log. */
  keeperOf(tenantId: string | null, id: string): Promise<Keeper>;
  /** Resolves when everything remembered is in the log, or has been given up. */
  close(): Promise<void>;
}

export interface RememberedResponsesParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly lookup: Pick<DecisionLookup, 'keptResponses'>;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly topicPrefix: string;
  /** Unique per process. */
  readonly name: string;
  /** False while there is no log to be written: what is passed on then is known to this process alone. */
  readonly isWritten: boolean;
  readonly maxRemembered?: number;
}

const maxIdChars = 500;
const maxBatch = 500;
const maxWaitingBytes = 8_388_608;
/** What is used again and again is written again, before the log forgets it. */
const renewAfterMs = 24 * 3_600_000;
/** An id that is not there is not looked for again so soon. */
const unknownForMs = 1_000;
const maxUnknown = 1_000;

export function createRememberedResponses(parts: RememberedResponsesParts): RememberedResponses {
  const { broker, clock, lookup, metrics, log, topicPrefix, name, isWritten, maxRemembered = 20_000 } = parts;
  const producer = broker.producer(`responses-${name}`);
  const count = (result: string, by = 1): void =>
    metrics.count('quantum_router_responses_remembered_total', { result }, by);
  const behind = createWriteBehind({
    ...{ producer, clock, maxBatch, maxWaitingBytes },
    onWritten: (responses) => count('written', responses),
    onFailed: (responses, error) => {
      log.warn('it could not be written which provider keeps what: a restart forgets it', { responses, error });
      count('failed', responses);
    },
  });
  const known = newestEntries<string, KeptResponse>(maxRemembered);
  const unknownUntilMs = newestEntries<string, number>(maxUnknown);

  const know = (kept: KeptResponse): void => {
    unknownUntilMs.delete(kept.id);
    known.set(kept.id, kept);
  };

  const look = async (id: string): Promise<KeptResponse | null> => {
    if ((unknownUntilMs.peek(id) ?? 0) > clock.monotonicMs()) return null;
    const rows = await lookup.keptResponses(id);
    // Whoever was first has it; where he has gone on with it at another provider, that is the newest place.
    const found = rows.filter(({ tenantId }) => tenantId === rows[0]!.tenantId).at(-1) ?? null;
    if (found) know(found);
    else unknownUntilMs.set(id, clock.monotonicMs() + unknownForMs);
    return found;
  };

  return {
    remember(given) {
      if (given.id.length > maxIdChars) return;
      const kept = { ...given, passedOnAtMs: clock.nowMs() };
      const before = known.peek(kept.id);
      // No provider gives one name twice; whoever had it first keeps it.
      if (before && before.tenantId !== kept.tenantId) return;
      const isSame = before?.model === kept.model && before.provider === kept.provider;
      if (isSame && kept.passedOnAtMs - before.passedOnAtMs < renewAfterMs) return;
      know(kept);
      const { name: topic, codec, keyOf } = topics.keptResponses;
      const record = { topic: topicPrefix + topic, key: keyOf(kept), value: codec.encode(kept) };
      if (isWritten && !behind.add(record)) count('too-many');
    },
    async keeperOf(tenantId, id) {
      if (id.length > maxIdChars) return { kind: 'unknown' };
      const kept = known.peek(id) ?? (isWritten ? await look(id) : null);
      if (!kept) return { kind: 'unknown' };
      if (kept.tenantId !== tenantId) return { kind: 'of-others' };
      return { kind: 'known', model: kept.model, provider: kept.provider };
    },
    async close() {
      await behind.flush();
      await producer.close();
    },
  };
}
