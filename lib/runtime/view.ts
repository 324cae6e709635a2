/** A table topic followed into memory: what a decision may look things up in, as far as this process has read. */
import { UndecodableError } from '../avro/codec';
import type { Follower, LogRecord } from '../ports/broker';
import type { Topic } from '../topics/define-topic';
import type { View } from './define-service';
import type { Host } from './host';

export interface FollowedView<T> {
  readonly view: View<T>;
  stop(): Promise<void>;
}

/** What a view shows may be older by so much; tables change many times a second, and nobody needs each change at once. */
const lingerMs = 20;

/**
 * Resolves once everything that was in the topic at the call has been applied. A record that cannot be decoded is
 * skipped, counted and logged: the last good value stays in force. `onFailed` is told when following ends.
 */
export async function followView<T>(
  group: string,
  topic: Topic<T>,
  host: Pick<Host, 'broker' | 'log' | 'metrics' | 'topicPrefix'>,
  onFailed: (error: Error) => void,
): Promise<FollowedView<T>> {
  const rows = new Map<string, T>();
  let offset = -1;

  const apply = (record: LogRecord): void => {
    offset = Math.max(offset, record.offset);
    if (record.key === null) return;
    if (record.value === null) {
      rows.delete(record.key);
      return;
    }
    try {
      rows.set(record.key, topic.codec.decode(record.value));
    } catch (error) {
      if (!(error instanceof UndecodableError)) throw error;
      host.metrics.count('quantum_router_view_undecodable_total', { service: group, topic: topic.name });
      host.log.error('a record of a view cannot be decoded; the value before it stays in force', {
        topic: topic.name,
        offset: record.offset,
        error,
      });
    }
  };

  const follower: Follower = await host.broker.follow({
    topic: host.topicPrefix + topic.name,
    startAt: 'earliest',
    lingerMs,
    onRecords: (records) => records.forEach(apply),
    onFailed,
  });
  const view: View<T> = {
    get: (key) => rows.get(key),
    values: () => rows.values(),
    get offset() {
      return offset;
    },
  };
  return { view, stop: () => follower.stop() };
}
