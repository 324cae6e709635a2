/** The broker port over a log inside this process: the memory and the embedded broker are this, on different logs. */
import type { Broker, Follower, FollowOptions, LogRecord, Producer, TopicPartition } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { type GroupUnkindness, LocalGroup } from './local-group';
import { type LocalLog, type LocalPartition, missingTopics, placeRecords } from './local-log';

export interface LocalBroker extends Broker {
  /** Voids the group's epoch, as a member that comes or goes would. For tests. */
  rebalance(group: string): void;
}

const chunkRecords = 1_000;
const followChunkRecords = 500;

export function createLocalBroker(options: { log: LocalLog; clock: Clock; unkindness?: GroupUnkindness }): LocalBroker {
  const { log, clock } = options;
  const environment = { log, clock, unkindness: options.unkindness ?? {} };
  const groups = new Map<string, LocalGroup>();
  const followers = new Set<Follower>();
  let closing: Promise<void> | null = null;

  const refuseClosed = (): void => {
    if (closing) throw new Error('the broker is closed');
  };
  const partitionAt = ({ topic, partition }: TopicPartition): LocalPartition => {
    refuseClosed();
    const found = log.topic(topic)?.partitions[partition];
    if (!found) throw new Error(`topic ${topic} has no partition ${partition}`);
    return found;
  };
  const close = async (): Promise<void> => {
    for (const group of groups.values()) group.close();
    await Promise.all([...followers].map((follower) => follower.stop()));
    await log.close();
  };

  return {
    async ensureTopics(wanted) {
      refuseClosed();
      await log.createTopics(missingTopics(log, wanted));
    },
    async listTopics() {
      refuseClosed();
      return log.topics().map((topic) => topic.settings);
    },
    async offsets(of) {
      const { earliest, end } = partitionAt(of);
      return { earliest, end };
    },
    async offsetAt(of, timestampMs) {
      return partitionAt(of).offsetAt(timestampMs);
    },
    read(of, range) {
      return readRange(log, partitionAt(of), range);
    },
    async follow(followOptions) {
      refuseClosed();
      const topic = log.topic(followOptions.topic);
      if (!topic) throw new Error(`topic ${followOptions.topic} does not exist: create it with ensureTopics first`);
      const { follower, caughtUp } = startFollower(log, topic.partitions, followOptions, () =>
        followers.delete(follower),
      );
      followers.add(follower);
      await caughtUp;
      return follower;
    },
    async join(groupOptions) {
      refuseClosed();
      let group = groups.get(groupOptions.group);
      if (!group) {
        group = new LocalGroup(groupOptions.group, environment);
        groups.set(groupOptions.group, group);
      }
      const leave = group.join(groupOptions);
      return { leave: async () => leave() };
    },
    producer: (name) => createProducer(log, clock, name, refuseClosed),
    rebalance(group) {
      groups.get(group)?.rebalance();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function* readRange(
  log: LocalLog,
  source: LocalPartition,
  range: { from: number; to?: number; maxRecords?: number },
): AsyncIterable<readonly LogRecord[]> {
  const stop = Math.min(range.to ?? source.end, source.end);
  for (let next = range.from; next < stop; ) {
    const records = source.read(next, range.maxRecords ?? chunkRecords);
    const last = records.at(-1);
    if (!last || records[0]!.offset >= stop) return;
    next = last.offset + 1;
    yield last.offset < stop ? records : records.filter((record) => record.offset < stop);
    await log.yieldTurn();
  }
}

function createProducer(log: LocalLog, clock: Clock, name: string, refuseClosed: () => void): Producer {
  let closed = false;
  const source = {};
  const outstanding = new Set<Promise<void>>();
  return {
    async send(records) {
      refuseClosed();
      if (closed) throw new Error(`producer ${name} is closed`);
      const placed = placeRecords(log, records, clock.nowMs());
      if (placed.length === 0) return [];
      const appended = log.append({ records: placed, source });
      outstanding.add(appended);
      try {
        await appended;
      } finally {
        outstanding.delete(appended);
      }
      return placed.map(({ partition, offset }) => ({ partition, offset }));
    },
    async close() {
      closed = true;
      await Promise.allSettled(outstanding);
    },
  };
}

/** Hands every record of the partitions to `onRecords`, one call at a time. */
function startFollower(
  log: LocalLog,
  partitions: readonly LocalPartition[],
  options: FollowOptions,
  onEnded: () => void,
): { follower: Follower; caughtUp: Promise<void> } {
  const cursors = partitions.map((source) => ({
    source,
    next: options.startAt === 'earliest' ? source.earliest : source.end,
    target: source.end,
    onReadable: () => wake(),
  }));
  let stopped = false;
  let wake = (): void => {};
  for (const cursor of cursors) cursor.source.readers.add(cursor);

  const handOver = async (): Promise<boolean> => {
    let progressed = false;
    for (const cursor of cursors) {
      if (stopped || cursor.next >= cursor.source.end) continue;
      const records: LogRecord[] = cursor.source.read(cursor.next, followChunkRecords);
      const last = records.at(-1);
      cursor.next = last ? last.offset + 1 : cursor.source.end;
      progressed = true;
      if (last) await options.onRecords(records);
    }
    return progressed;
  };
  const run = async (onCaughtUp: () => void): Promise<void> => {
    try {
      while (!stopped) {
        // Made before looking, so that nothing that comes meanwhile is missed.
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const progressed = await handOver();
        if (cursors.every(({ next, target }) => next >= target)) onCaughtUp();
        await (progressed ? log.yieldTurn() : woken);
      }
    } finally {
      stopped = true;
      for (const cursor of cursors) cursor.source.readers.delete(cursor);
      onEnded();
    }
  };

  let running: Promise<void> = Promise.resolve();
  const caughtUp = new Promise<void>((resolve, reject) => {
    running = run(resolve).then(resolve, (error: Error) => {
      reject(error);
      options.onFailed(error);
    });
  });
  const follower: Follower = {
    // Nothing is put off here.
    hurry() {},
    stop() {
      stopped = true;
      wake();
      return running;
    },
  };
  return { follower, caughtUp };
}
