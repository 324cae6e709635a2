/**
 * A whole broker in memory, deterministic on a virtual clock: the same seed gives the same order of everything. It keeps
 * the promises of the port and, when asked to be unkind, nothing more than them.
 */
import type { LogRecord, Membership } from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { Random } from '../../ports/random';
import { createLocalBroker, type LocalBroker } from '../local-broker';
import type { GroupUnkindness } from '../local-group';
import { createMemoryLog, type LogUnkindness } from './memory-log';

/** How a broker may behave badly without breaking a promise. Rates are probabilities in [0, 1]; times in milliseconds. */
export interface Unkindness {
  /** Before a record some offsets are skipped. */
  readonly gapRate?: number;
  /** Records of several topics come in any order (within one topic never), and in smaller batches. */
  readonly permute?: boolean;
  /** Writes take up to this long. */
  readonly maxWriteDelayMs?: number;
  /** Writes fail with a TransientError; nothing is written. */
  readonly failedWriteRate?: number;
  /** Records are written and still reported as failed, so that a retry duplicates them; positions do not move. */
  readonly lostAcknowledgementRate?: number;
  /** A poll makes the group rebalance a little later: whatever was not committed is delivered again. */
  readonly rebalanceRate?: number;
  /** The new assignment comes up to this long after a rebalance. */
  readonly maxRebalanceMs?: number;
}

/** A bit of everything: what simulations use unless they want something special. */
export const defaultUnkindness: Unkindness = {
  gapRate: 0.05,
  permute: true,
  maxWriteDelayMs: 3,
  failedWriteRate: 0.002,
  lostAcknowledgementRate: 0.002,
  rebalanceRate: 0.0005,
  maxRebalanceMs: 20,
};

export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** Needed only for unkindness. */
  readonly random?: Random;
  readonly unkindness?: Unkindness;
}

export interface MemoryBroker extends LocalBroker {
  /** Every record of a topic: by partition, then offset. For tests. */
  records(topic: string): readonly LogRecord[];
  /** Compacts tables and applies retention now. */
  clean(): void;
  /** Stops all unkindness from now on, so that a simulation can come to rest. */
  beKind(): void;
  /** The member is gone without a word, as after a crash: like `leave`, but at once. */
  crash(membership: Membership): void;
}

export function createMemoryBroker(options: MemoryBrokerOptions): MemoryBroker {
  const { clock, unkindness } = options;
  if (unkindness && !options.random) throw new Error('an unkind memory broker needs `random`');
  const state = { kind: !unkindness };
  const planned = new Set<string>();
  const rebalanceSoon = (group: string, delayMs: number): void => {
    if (planned.has(group)) return;
    planned.add(group);
    clock.setTimer(delayMs, () => {
      planned.delete(group);
      broker.rebalance(group);
    });
  };
  const [logUnkindness, groupUnkindness] = unkindness
    ? unkindnessOf(unkindness, options.random!, () => !state.kind, rebalanceSoon)
    : [{}, {}];
  const log = createMemoryLog(clock, logUnkindness);
  const broker = createLocalBroker({ log, clock, unkindness: groupUnkindness });
  return {
    ...broker,
    records: (topic) =>
      (log.topic(topic)?.partitions ?? []).flatMap((source) =>
        source.read(source.earliest, source.end - source.earliest),
      ),
    clean: () => log.clean(),
    beKind() {
      state.kind = true;
    },
    // Leaving a local group is synchronous up to its first await, of which it has none.
    crash: (membership) => void membership.leave(),
  };
}

/** Turns rates into the hooks of the log and of the groups, all drawing from one stream. */
function unkindnessOf(
  rates: Unkindness,
  random: Random,
  active: () => boolean,
  rebalanceSoon: (group: string, delayMs: number) => void,
): [LogUnkindness, GroupUnkindness] {
  const happens = (rate: number | undefined): boolean => rate !== undefined && active() && random.next() < rate;
  const upTo = (limitMs: number | undefined): number => (limitMs && active() ? random.integer(limitMs + 1) : 0);
  const log: LogUnkindness = {
    gap: () => (happens(rates.gapRate) ? 1 + random.integer(5) : 0),
    delayMs: () => upTo(rates.maxWriteDelayMs),
    fate() {
      if (happens(rates.failedWriteRate)) return 'lost';
      return happens(rates.lostAcknowledgementRate) ? 'unacknowledged' : 'written';
    },
  };
  const group: GroupUnkindness = {
    interleave: (perTopic) => (rates.permute && active() ? shuffleTogether(perTopic, random) : perTopic.flat()),
    limitPoll: (maxRecords) => (rates.permute && active() ? 1 + random.integer(maxRecords) : maxRecords),
    onPoll(name) {
      if (happens(rates.rebalanceRate)) rebalanceSoon(name, 1 + random.integer(20));
    },
    assignDelayMs: () => upTo(rates.maxRebalanceMs),
  };
  return [log, group];
}

/** A random merge that keeps the order within each list. */
function shuffleTogether(lists: readonly LogRecord[][], random: Random): LogRecord[] {
  const left = lists.filter((list) => list.length > 0).map((list) => ({ list, next: 0 }));
  const merged: LogRecord[] = [];
  while (left.length > 0) {
    const pick = random.integer(left.length);
    const source = left[pick]!;
    merged.push(source.list[source.next++]!);
    if (source.next === source.list.length) left.splice(pick, 1);
  }
  return merged;
}
