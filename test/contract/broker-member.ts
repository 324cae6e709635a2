/** A group member for the contract suite: remembers its latest assignment and reads what it is asked for. */
import { until } from '../../checks/chaos/until';
import { systemClock } from '../../lib/adapters/system';
import type { Broker, Delivery, GroupOptions, LogRecord, Membership, PartitionConsumer } from '../../lib/ports/broker';
import { patienceMs } from '../patience';

const clock = systemClock();

/** Waits for a condition that holds sooner or later; the error that ends it otherwise quotes the condition. */
export const eventually = (condition: () => boolean): Promise<void> =>
  until(clock, String(condition), condition, patienceMs, 2);

/** Begins work for every consumer that was not assigned before. */
export function onAdded(begin: (consumer: PartitionConsumer) => void): GroupOptions['onAssigned'] {
  const begun = new WeakSet<PartitionConsumer>();
  return (_epoch, consumers) => {
    for (const consumer of consumers) {
      if (begun.has(consumer)) continue;
      begun.add(consumer);
      begin(consumer);
    }
  };
}

export interface Member {
  readonly consumers: () => readonly PartitionConsumer[];
  /** The consumers of an assignment of so many partitions, none of them stale. */
  readonly owning: (partitions: number) => Promise<readonly PartitionConsumer[]>;
  readonly failures: readonly Error[];
  readonly leave: () => Promise<void>;
}

export async function joinGroup(
  broker: Broker,
  options: { group: string; topics: readonly string[]; startAt?: 'earliest' | 'latest'; delivery?: Delivery },
): Promise<Member> {
  let latest: readonly PartitionConsumer[] | null = null;
  const failures: Error[] = [];
  const membership: Membership = await broker.join({
    startAt: 'earliest',
    ...options,
    onAssigned: (_epoch, consumers) => {
      latest = consumers;
    },
    onFailed: (error) => failures.push(error),
  });
  return {
    consumers: () => latest ?? [],
    async owning(partitions) {
      await eventually(() => latest?.length === partitions && latest.every((consumer) => !consumer.isStale()));
      return latest!;
    },
    failures,
    leave: () => membership.leave(),
  };
}

/** Polls until `count` records have come. */
export async function take(
  consumer: PartitionConsumer,
  count: number,
  options: { topics?: readonly string[]; maxRecords?: number } = {},
): Promise<LogRecord[]> {
  const taken: LogRecord[] = [];
  while (taken.length < count) {
    const maxRecords = Math.min(count - taken.length, options.maxRecords ?? 500);
    taken.push(
      ...(await consumer.poll({ maxRecords, maxWaitMs: 1_000, ...(options.topics && { topics: options.topics }) })),
    );
  }
  return taken;
}

/** Reads a partition from its first record to its present end. */
export async function readAll(broker: Broker, topic: string, partition = 0): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const { earliest } = await broker.offsets({ topic, partition });
  for await (const chunk of broker.read({ topic, partition }, { from: earliest })) records.push(...chunk);
  return records;
}

export const textOf = (records: readonly LogRecord[]): (string | null)[] =>
  records.map(({ value }) => value?.toString() ?? null);
