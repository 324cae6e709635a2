/** A table topic followed into memory: what a decision may look things up in, as far as this process has read. */
import type { Follower, LogRecord } from '../ports/broker';
import type { Topic } from '../topics/define-topic';
import { logForeign, readRow } from '../topics/read-row';
import type { View } from './define-service';
import type { Host } from './host';

export interface FollowedView<T> {
  readonly view: View<T>;
  stop(): Promise<void>;
}

/** What a view shows may be older by so much; tables change many times a second, and nobody needs each change at once. */
const lingerMs = 20;

/**
 * Resolves once everything that was in the topic at the call has been applied. A record that is no row of the topic is
 * passed over, counted and logged, unless a row of its key came together with it and behind it: the last good value stays in force. `onFailed` is told when following ends.
 */
export async function followView<T>(
  group: string,
  topic: Topic<T>,
  host: Pick<Host, 'broker' | 'log' | 'metrics' | 'topicPrefix' | 'tableChecks'>,
  onFailed: (error: Error) => void,
): Promise<FollowedView<T>> {
  const rows = new Map<string, T>();
  let offset = -1;
  const onForeign = logForeign(host.log);
  const accepts = host.tableChecks?.get(topic.name);

  /** Of what came together, the newest row of a key is all that counts: a start reads many rows of each, and need not decode them. */
  const apply = (records: readonly LogRecord[]): void => {
    const byKey = new Map<string | null, LogRecord[]>();
    for (const record of records) {
      offset = Math.max(offset, record.offset);
      const ofKey = byKey.get(record.key);
      if (ofKey) ofKey.push(record);
      else byKey.set(record.key, [record]);
    }
    for (const ofKey of byKey.values()) {
      let isSettled = false;
      while (!isSettled && ofKey.length > 0) isSettled = take(ofKey.pop()!);
    }
  };
  /** Whether the record says what is in force. */
  const take = (record: LogRecord): boolean => {
    const read = readRow(topic, record, accepts);
    if (read.kind === 'row') rows.set(read.key, read.value);
    else if (read.kind === 'deleted') rows.delete(read.key);
    else {
      host.metrics.count('quantum_router_view_undecodable_total', { service: group, topic: topic.name });
      onForeign(record, read.reason);
    }
    return read.kind !== 'foreign';
  };

  const follower: Follower = await host.broker.follow({
    topic: host.topicPrefix + topic.name,
    startAt: 'earliest',
    lingerMs,
    onRecords: apply,
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
