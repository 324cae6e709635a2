/**
 * Puts a configuration in force by compare-and-set on its version. The log has no conditional write, so the writer
 * reads back what came between its look and its record; whoever was first keeps the place.
 */
import type { Broker, Producer } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { ConfigApplied } from '../topics/generated/messages';
import { topics } from '../topics/topics';
import { configToJson } from './parse-config';
import type { RouterConfig } from './router-config';

/** `current` is what is in force instead; null when nothing is. */
export type ConfigWrite =
  | { readonly ok: true; readonly applied: ConfigApplied }
  | { readonly ok: false; readonly current: ConfigApplied | null };

export interface ConfigWriter {
  /** Version 0 stands for "none yet". Resolves when the record is durable; readers see it soon after. */
  apply(config: RouterConfig, expectedVersion: number): Promise<ConfigWrite>;
  close(): Promise<void>;
}

export interface ConfigWriterOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Unique per process. */
  readonly name: string;
  readonly topicPrefix?: string;
}

export function createConfigWriter(options: ConfigWriterOptions): ConfigWriter {
  const { broker, clock } = options;
  const topic = (options.topicPrefix ?? '') + topics.config.name;
  const producer = broker.producer(`config-${options.name}`);
  // Within one process writes take turns; between processes the read-back below settles who was first.
  let turn: Promise<unknown> = Promise.resolve();

  const apply = async (config: RouterConfig, expectedVersion: number): Promise<ConfigWrite> => {
    const { earliest, end } = await broker.offsets({ topic, partition: 0 });
    const current = await lastApplied(broker, topic, earliest, end);
    if ((current?.version ?? 0) !== expectedVersion) return { ok: false, current };
    const applied: ConfigApplied = {
      version: expectedVersion + 1,
      json: configToJson(config),
      appliedAtMs: clock.nowMs(),
    };
    const offset = await write(producer, topic, applied);
    const earlier = await lastApplied(broker, topic, end, offset);
    if (!earlier) return { ok: true, applied };
    // Ours lies on top of theirs and would win for readers: put theirs back with a version above both.
    const restored = { ...earlier, version: Math.max(earlier.version, applied.version) + 1 };
    await write(producer, topic, restored);
    return { ok: false, current: restored };
  };

  return {
    apply(config, expectedVersion) {
      const result = turn.then(() => apply(config, expectedVersion));
      turn = result.catch(() => {});
      return result;
    },
    async close() {
      await turn;
      await producer.close();
    },
  };
}

async function write(producer: Producer, topic: string, applied: ConfigApplied): Promise<number> {
  const value = topics.config.codec.encode(applied);
  const [written] = await producer.send([{ topic, key: topics.config.keyOf(applied), value }]);
  return written!.offset;
}

/** The last configuration in [from, to); null when there is none. */
async function lastApplied(broker: Broker, topic: string, from: number, to: number): Promise<ConfigApplied | null> {
  let last: ConfigApplied | null = null;
  for await (const records of broker.read({ topic, partition: 0 }, { from, to })) {
    for (const record of records) if (record.value) last = topics.config.codec.decode(record.value);
  }
  return last;
}
