/**
 * Which responses in the background are being followed, in the log: whoever starts next, or is still there, goes on with those of a
 * gateway that is gone.
 */
import type { Broker } from '../../../../lib/ports/broker';
import type { Clock } from '../../../../lib/ports/clock';
import type { View } from '../../../../lib/stream/define-service';
import type { Log } from '../../../../lib/telemetry/log';
import type { BackgroundResponse } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { createWriteBehind } from '../../write-behind';

export interface FollowedResponses {
  add(response: BackgroundResponse): void;
  /** It is known what came of it, or nobody will know. */
  remove(id: string): void;
  has(id: string): boolean;
  values(): Iterable<BackgroundResponse>;
  /** Resolves when all of it is written, or has been given up. */
  close(): Promise<void>;
}

export interface FollowedResponsesParts {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly view: View<BackgroundResponse>;
  readonly log: Log;
  readonly topicPrefix: string;
  /** Unique per process. */
  readonly name: string;
}

const maxBatch = 500;
const maxWaitingBytes = 1_048_576;

export function createFollowedResponses(parts: FollowedResponsesParts): FollowedResponses {
  const { broker, clock, view, log, topicPrefix, name } = parts;
  const producer = broker.producer(`followed-${name}`);
  const behind = createWriteBehind({
    ...{ producer, clock, maxBatch, maxWaitingBytes },
    onWritten: () => {},
    onFailed: (responses, error) =>
      log.warn('it could not be written which responses are followed: a restart forgets them', { responses, error }),
  });
  const { name: topic, codec } = topics.followedResponses;
  return {
    add(response) {
      behind.add({ topic: topicPrefix + topic, key: response.id, value: codec.encode(response) });
    },
    remove(id) {
      behind.add({ topic: topicPrefix + topic, key: id, value: null });
    },
    has: (id) => view.get(id) !== undefined,
    values: () => view.values(),
    async close() {
      await behind.flush();
      await producer.close();
    },
  };
}
