/**
 * Whether the log takes what is written: on a full disk, or with a Kafka that is read-only, everything lives and nothing can be
 * decided. A failed write counts until another succeeds, or for so long: where nobody sends requests to who is not ready,
 * only a try can tell that it is over.
 */
import { type Broker, type Producer, TransientError } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';

/** Longer than the pause between two reports of how a process is, which are tries as well. */
const rememberedMs = 20_000;

export interface WatchedWrites {
  /** The broker that was given, whose producers are watched. */
  readonly broker: Broker;
  /** For people; empty while writes are taken. */
  readonly waitingFor: () => readonly string[];
}

export function watchWrites(broker: Broker, clock: Pick<Clock, 'monotonicMs'>): WatchedWrites {
  let failedAtMs: number | null = null;
  const watched = (producer: Producer): Producer => ({
    async send(records) {
      try {
        const sent = await producer.send(records);
        failedAtMs = null;
        return sent;
      } catch (error) {
        // Anything else is said of a record, and not of the log.
        if (error instanceof TransientError) failedAtMs = clock.monotonicMs();
        throw error;
      }
    },
    close: () => producer.close(),
  });
  return {
    broker: {
      ensureTopics: (topics) => broker.ensureTopics(topics),
      listTopics: () => broker.listTopics(),
      offsets: (of) => broker.offsets(of),
      offsetAt: (of, timestampMs) => broker.offsetAt(of, timestampMs),
      read: (of, range) => broker.read(of, range),
      follow: (options) => broker.follow(options),
      join: (options) => broker.join(options),
      producer: (name) => watched(broker.producer(name)),
      close: () => broker.close(),
    },
    waitingFor: () =>
      failedAtMs !== null && clock.monotonicMs() - failedAtMs < rememberedMs ? ['the log to take what is written'] : [],
  };
}
