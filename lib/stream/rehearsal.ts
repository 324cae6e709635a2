/**
 * A chain that starts decides the newest requests of the log once for nobody, before it joins its group: code that has never run takes tens
 * of milliseconds a request, and whoever owns the partitions goes on with them meanwhile. It is the task that will do it, with stages that
 * were declared anew, on a host from which nothing gets out: no record, row, position, metric, log line, cache entry or span, but what
 * reading the log and loading weights tell of themselves.
 */
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import type { Broker, LogRecord, PartitionConsumer } from '../ports/broker';
import { type Clock, within } from '../ports/clock';
import type { KeyValue } from '../ports/key-value';
import { createLog } from '../telemetry/log';
import { createMetrics } from '../telemetry/metrics';
import type { ServiceDefinition, View } from './define-service';
import type { Host } from './host';
import type { StageGroup } from './placement';
import { planGroup, type Surroundings } from './service-plan';
import { partsOf } from './stage-parts';
import { StageMemory } from './task/stage-memory';
import { Task } from './task/task';

/** Declares all stages on a host. A stage remembers more than its rows, so those of a rehearsal are not those that decide. */
export type Declare = (host: Host) => readonly ServiceDefinition[];

/**
 * `views`: of each stage. Resolves when it is over: after `longestMs` or a turn in which more than that has passed, and before the next turn
 * when `isWanted` no longer holds. Never rejects.
 */
export type Rehearsal = (
  views: readonly ReadonlyMap<string, View<unknown>>[],
  isWanted: () => boolean,
) => Promise<void>;

/** The first dozen is what takes long; beyond these nothing was seen to get quicker. */
const mostRequests = 32;
const longestMs = 500;
/** Requests are alike wherever they lie, and each partition is asked for its end. */
const mostPartitions = 4;
/** Few, since nobody else has the thread while a turn lasts, and time is looked at between turns. */
const requestsInTurn = 2;

export function createRehearsal(
  group: StageGroup,
  host: Host,
  surroundings: Surroundings,
  declareAnew: Declare,
): Rehearsal {
  return async (views, isWanted) => {
    const { clock, log } = host;
    const startedMs = clock.monotonicMs();
    const goesOn = (): boolean => isWanted() && clock.monotonicMs() - startedMs < longestMs;
    let running: Task | null = null;
    let requests = 0;
    const play = async (): Promise<void> => {
      const wall = { nowMs: clock.nowMs() };
      const muted = mutedHost(host, wall);
      const declared = declareAnew(muted);
      const stages = group.stages.map((stage) => declared.find((anew) => anew.group === stage.group)!);
      const plan = planGroup({ ...group, stages }, muted, surroundings);
      const around = {
        plan,
        host: muted,
        stages: plan.stages.map((stage, at) => ({ ...partsOf(stage, muted), host: muted, views: views[at]! })),
      };
      // What a chain begins with; all else that it reads is about requests that are under way.
      const { firstInput, partitions } = plan.stages[0]!;
      const looked = Math.min(partitions, mostPartitions);
      for (let partition = 0; partition < looked && goesOn(); partition++) {
        const next = newestOf(host.broker, { topic: firstInput.wire, partition }, Math.ceil(mostRequests / looked));
        const consumer = new RehearsedPartition(partition, async () => {
          await turnOfOthers();
          const { value: records = [] } = goesOn() ? await next.next() : { value: [] };
          // They are decided as they were when they came: some would be too old by now.
          const cameAtMs = records.at(-1)?.timestampMs ?? wall.nowMs;
          // What a producer says may be anything.
          wall.nowMs = Math.min(clock.nowMs(), Math.max(0, cameAtMs));
          requests += records.length;
          if (records.length === 0) running?.stop();
          return records;
        });
        const memories = plan.stages.map((stage) => new StageMemory(stage, muted, partition));
        running = new Task(around, consumer, memories);
        try {
          await running.run(() => {});
        } finally {
          // What the log has been asked for beyond this may fail, and nobody waits for it.
          await next.return(undefined);
        }
      }
    };
    try {
      await within(clock, longestMs, play(), () => {});
    } catch (error) {
      log.debug('a rehearsal has failed, and is not missed', { service: group.name, error: error as Error });
    }
    (running as Task | null)?.abandon();
    log.debug('rehearsed', { service: group.name, requests, tookMs: clock.monotonicMs() - startedMs });
  };
}

/** The last `most` records, some at a time. Without their headers, which say who waits for an answer, and in which trace. */
async function* newestOf(
  broker: Broker,
  of: { readonly topic: string; readonly partition: number },
  most: number,
): AsyncGenerator<readonly LogRecord[], undefined> {
  const { earliest, end } = await broker.offsets(of);
  const range = { from: Math.max(earliest, end - most), to: end, maxRecords: requestsInTurn };
  for await (const records of broker.read(of, range)) yield records.map((record) => ({ ...record, headers: {} }));
}

/** A partition that is nobody's: it begins with nothing committed, and what is written to it is nowhere. */
class RehearsedPartition implements PartitionConsumer {
  readonly epoch = 0;

  constructor(
    readonly partition: number,
    readonly poll: () => Promise<readonly LogRecord[]>,
  ) {}

  isStale(): boolean {
    return false;
  }

  async committed(): Promise<ReadonlyMap<string, number>> {
    return new Map();
  }

  seek(): void {}

  wake(): void {}

  async write(): Promise<null> {
    return null;
  }

  writtenUpTo(): null {
    return null;
  }
}

function mutedHost(host: Host, wall: { readonly nowMs: number }): Host {
  const { clock } = host;
  const rehearsed: Clock = {
    nowMs: () => wall.nowMs,
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  };
  return {
    ...host,
    broker: emptyLog,
    keyValue: nothingKept,
    clock: rehearsed,
    metrics: createMetrics(),
    log: createLog({ level: 'silent' }),
    standbyPartitions: 0,
    onFatal: () => {},
  };
}

function refused(): never {
  throw new Error('a rehearsal has no log');
}

const emptyLog: Broker = {
  offsets: async () => ({ earliest: 0, end: 0 }),
  async *read() {},
  ensureTopics: refused,
  listTopics: refused,
  offsetAt: refused,
  follow: refused,
  join: refused,
  producer: refused,
  close: refused,
};

const nothingKept: KeyValue = {
  getMany: async (keys) => keys.map(() => null),
  putMany: async () => {},
  deleteMany: async () => {},
  increment: async () => 0,
  keys: async () => [],
  close: async () => {},
};
