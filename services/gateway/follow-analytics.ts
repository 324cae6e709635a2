/** The windows of the analytics service as this gateway has followed them, over all partitions. */
import { createWindowStore, type WindowStore } from '../../lib/analytics/window-store';
import type { Broker, Follower, LogRecord } from '../../lib/ports/broker';
import type { Log } from '../../lib/telemetry/log';
import { logForeign, readRow } from '../../lib/topics/read-row';
import { topics } from '../../lib/topics/topics';

/** Rows change once in so long at most; nobody looks more closely. */
const lingerMs = 250;
/** First character of the record that says which positions a changelog reflects; it is no row. */
const ownCharacter = '\u0000';

export interface FollowedAnalytics {
  readonly store: WindowStore;
  stop(): Promise<void>;
}

/** Resolves once everything that was there at the call has been read. */
export async function followAnalytics(
  { broker, topicPrefix, log }: { readonly broker: Broker; readonly topicPrefix: string; readonly log: Log },
  onFailed: (error: Error) => void,
): Promise<FollowedAnalytics> {
  const store = createWindowStore();
  const onForeign = logForeign(log);
  const followers: Follower[] = [];
  for (const topic of [topics.analyticsWindows, topics.analyticsRewards]) {
    const take = (record: LogRecord): void => {
      if (record.key?.startsWith(ownCharacter)) return;
      const read = readRow(topic, record);
      if (read.kind === 'foreign') onForeign(record, read.reason);
      else store.set(`${topic.name}/${record.partition}`, read.key, read.kind === 'row' ? read.value : null);
    };
    const onRecords = (records: readonly LogRecord[]): void => records.forEach(take);
    followers.push(
      await broker.follow({ topic: topicPrefix + topic.name, startAt: 'earliest', lingerMs, onRecords, onFailed }),
    );
  }
  return {
    store,
    async stop() {
      for (const follower of followers) await follower.stop();
    },
  };
}
