/**
 * Puts a configuration in force by compare-and-set on its version. The log has no conditional write, so the writer
 * reads back what came between its look and its record; whoever was first keeps the place.
 */
import type { Broker, Producer } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { ConfigApplied } from '../topics/generated/messages';
import { readRow } from '../topics/read-row';
import { topics } from '../topics/topics';
import { configFromJson, configToJson } from './parse-config';
import type { RouterConfig } from './router-config';

/** `current` is what is in force instead; null when nothing is. */
export type ConfigWrite =
  | { readonly ok: true; readonly applied: ConfigApplied }
  | {
      readonly ok: false;
      readonly current: ConfigApplied | null;
      /** Something that is no configuration (a record without a value, say) lies on top of the one in force. */
      readonly isCovered?: boolean;
    };

export interface ConfigWriter {
  /** Version 0 stands for "none yet". Resolves when the record is durable; readers see it soon after. */
  apply(config: RouterConfig, expectedVersion: number): Promise<ConfigWrite>;
  /**
   * Applies unless it is in force already, over whatever version there is. Throws when others keep changing it meanwhile.
   */
  putInForce(config: RouterConfig): Promise<{ readonly version: number; readonly changed: boolean }>;
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
    const { applied: current, isCovered } = await lastApplied(broker, topic, earliest, end);
    if ((current?.version ?? 0) !== expectedVersion) return { ok: false, current, isCovered };
    const applied: ConfigApplied = {
      version: expectedVersion + 1,
      json: configToJson(config),
      appliedAtMs: clock.nowMs(),
    };
    const offset = await write(producer, topic, applied);
    const { applied: earlier } = await lastApplied(broker, topic, end, offset);
    if (!earlier) return { ok: true, applied };
    // Ours lies on top of theirs and would win for readers: put theirs back with a version above both.
    const restored = { ...earlier, version: Math.max(earlier.version, applied.version) + 1 };
    await write(producer, topic, restored);
    return { ok: false, current: restored };
  };

  const inTurn = (config: RouterConfig, expectedVersion: number): Promise<ConfigWrite> => {
    const result = turn.then(() => apply(config, expectedVersion));
    turn = result.catch(() => {});
    return result;
  };

  return {
    apply: inTurn,
    async putInForce(config) {
      const json = configToJson(config);
      // Each try starts from what stood in the way of the one before; two writers at once need one or two.
      for (let tries = 5, version = 0; tries > 0; tries--) {
        const write = await inTurn(config, version);
        if (write.ok) return { version: write.applied.version, changed: true };
        // What lies on top of it makes the log forget it one day: then it has to be written anew.
        if (write.current?.json === json && !write.isCovered) return { version: write.current.version, changed: false };
        version = write.current?.version ?? 0;
      }
      throw new Error('the configuration keeps being changed by somebody else: stop one of the writers');
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

/** The last configuration in [from, to), null when there is none, and whether it is the last record. */
async function lastApplied(
  broker: Broker,
  topic: string,
  from: number,
  to: number,
): Promise<{ applied: ConfigApplied | null; isCovered: boolean }> {
  let applied: ConfigApplied | null = null;
  let isCovered = false;
  for await (const records of broker.read({ topic, partition: 0 }, { from, to })) {
    for (const record of records) {
      const read = readRow(topics.config, record, ({ json }) => void configFromJson(json));
      if (read.kind === 'row') applied = read.value;
      isCovered = read.kind !== 'row';
    }
  }
  return { applied, isCovered };
}
