/**
 * Says every few seconds, on the log, how a process is: what alerts could not know otherwise. The reports are also what makes
 * time pass for alerts when nothing else happens. A report that cannot be written is counted, and the next one is tried.
 */
import type { Broker } from '../lib/ports/broker';
import { type Clock, within } from '../lib/ports/clock';
import type { ServiceStatus } from '../lib/stream/run-service';
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import type { EngineVitals } from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';

export interface VitalsOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly topicPrefix: string;
  /** Unique while the process lives. */
  readonly process: string;
  readonly status: () => readonly ServiceStatus[];
  /** Left out where the log is elsewhere. */
  readonly disk?: () => { readonly freeBytes: number; readonly usedBytes: number };
}

const everyMs = 15_000;
/** A log that does not answer must not hold up a stop for longer. */
const goodByeMs = 2_000;
const nothing = { services: [], weightsHeld: false, learningLagMs: 0 };

/** Reports from now on. `stop` says good-bye, so that nobody takes the process for silent; it never rejects. */
export function reportVitals(options: VitalsOptions): { stop(): Promise<void> } {
  const { broker, clock, metrics, log, process } = options;
  const producer = broker.producer(`vitals-${process}`);
  const read = createReading(options);
  let topic: string | null = null;
  let isStopped = false;
  let isFailing = false;
  let cancel = (): void => {};
  let sending: Promise<void> = Promise.resolve();

  const send = async (of: () => Promise<EngineVitals>): Promise<void> => {
    try {
      topic ??= await ensureSinglePartitionTopic(broker, topics.engineVitals, options.topicPrefix);
      const value = topics.engineVitals.codec.encode(await of());
      await producer.send([{ topic, partition: 0, key: process, value }]);
      isFailing = false;
    } catch (error) {
      metrics.count('quantum_router_vitals_failures_total', {});
      // Every one is counted; an outage is one line.
      if (!isFailing) log.warn('how this process is could not be reported to alerts', { error: error as Error });
      isFailing = true;
    }
  };
  const turn = (): void => {
    sending = send(read).then(() => {
      if (!isStopped) cancel = clock.setTimer(everyMs, turn);
    });
  };
  turn();
  return {
    async stop() {
      isStopped = true;
      cancel();
      const goodBye = sending.then(() => send(async () => ({ ...(await read()), ...nothing })));
      await within(clock, goodByeMs, goodBye, () => {});
      await producer.close().catch((error: Error) => log.warn('a producer did not close well', { error }));
    },
  };
}

/** What there is to say now. The delay of an input counts only while something is read from it. */
function createReading({ clock, metrics, process, status, disk }: VitalsOptions): () => Promise<EngineVitals> {
  const readBefore = new Map<string, number>();
  const readyAtMs = new Map<string, number>();
  const single = async (name: 'quantum_router_learning_lag_seconds' | 'quantum_router_weights_held'): Promise<number> =>
    (await metrics.readings(name))[0]?.value ?? 0;
  return async () => {
    const nowMs = clock.nowMs();
    const lags = new Map<string, number>();
    const later = (service: string, lagMs: number): void =>
      void lags.set(service, Math.max(lags.get(service) ?? 0, lagMs));
    for (const { group, ready } of status()) {
      if (ready || !readyAtMs.has(group)) readyAtMs.set(group, nowMs);
      later(group, nowMs - readyAtMs.get(group)!);
    }
    const delays = new Map(
      (await metrics.readings('quantum_router_input_delay_seconds')).map(({ labels, value }) => [
        inputOf(labels),
        value,
      ]),
    );
    for (const { labels, value } of await metrics.readings('quantum_router_records_in_total')) {
      const input = inputOf(labels);
      const isRead = value > (readBefore.get(input) ?? 0);
      readBefore.set(input, value);
      // How far learning is behind its log, the learner says better.
      if (isRead && labels.topic !== topics.learningEvents.name && lags.has(labels.service ?? ''))
        later(labels.service!, 1_000 * Math.max(0, delays.get(input) ?? 0));
    }
    const deadLetters = new Map<string, number>();
    for (const { labels, value } of await metrics.readings('quantum_router_dead_letters_total'))
      deadLetters.set(labels.service ?? '', (deadLetters.get(labels.service ?? '') ?? 0) + value);
    return {
      process,
      atMs: nowMs,
      services: [...lags].map(([service, lagMs]) => ({ service, lagMs, deadLetters: deadLetters.get(service) ?? 0 })),
      learningLagMs: 1_000 * (await single('quantum_router_learning_lag_seconds')),
      weightsHeld: (await single('quantum_router_weights_held')) === 1,
      disk: askedOf(disk),
    };
  };
}

/** A disk that cannot be asked is no reason to say nothing of the rest. */
function askedOf(disk: VitalsOptions['disk']): EngineVitals['disk'] {
  try {
    return disk?.() ?? null;
  } catch {
    return null;
  }
}

function inputOf({ service = '', topic = '' }: { readonly service?: string; readonly topic?: string }): string {
  return `${service}\n${topic}`;
}
