/**
 * Puts a configuration in force by compare-and-set on its version. The log has no conditional write, so the writer
 * reads back what came between its look and its record; whoever was first keeps the place.
 */
import { type AuditTrail, createAuditTrail } from '../audit/audit-trail';
import type { Broker, OutgoingRecord, Producer } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { Log } from '../telemetry/log';
import type { ConfigApplied } from '../topics/generated/messages';
import { readRow } from '../topics/read-row';
import { topics } from '../topics/topics';
import { rememberVersion } from './config-history';
import { diffConfig, differingFields } from './diff-config';
import { configFromJson, configToJson } from './parse-config';
import type { RouterConfig } from './router-config';
import { type ConfigOrigin, fileHashOf, settleConfig } from './settle-config';
import { restartsNeeded } from './start-settings';

/** `current` is what is in force instead; null when nothing is. */
export type ConfigWrite =
  | { readonly ok: true; readonly applied: ConfigApplied }
  | {
      readonly ok: false;
      readonly current: ConfigApplied | null;
      /** Something that is no configuration (a record without a value, say) lies on top of the one in force. */
      readonly isCovered?: boolean;
    };

/** What is in force after a start or a command, and how it came to that. */
export interface InForce {
  readonly version: number;
  /** The wanted configuration, or the log's where that stays. */
  readonly config: RouterConfig;
  /** True where it had to be written. */
  readonly changed: boolean;
  /** Why the log's version stays although the wanted one differs; null where it does not, or where that is no surprise. */
  readonly kept: string | null;
  /** Fields that differ between what was in force and what was wanted. */
  readonly changes: readonly string[];
  /** Of these, the ones that are in force only after a restart, and of whom; one line each. */
  readonly needsRestart: readonly string[];
}

export interface ConfigWriter {
  /** Version 0 stands for "none yet". Resolves when the record is durable; readers see it soon after. `by` goes into the record, `reason` into the history. */
  apply(config: RouterConfig, expectedVersion: number, by?: string, reason?: string): Promise<ConfigWrite>;
  /**
   * Puts it in force where it counts more than what the log has (`settleConfig`). Throws when others keep changing it
   * meanwhile.
   */
  putInForce(config: RouterConfig, origin?: ConfigOrigin): Promise<InForce>;
  close(): Promise<void>;
}

export interface ConfigWriterOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /** Unique per process. */
  readonly name: string;
  readonly topicPrefix?: string;
  /** Told of every change with who made it and the fields that changed. */
  readonly log?: Log;
}

/** Fields named in the log line of a change. */
const loggedChanges = 20;

export function createConfigWriter(options: ConfigWriterOptions): ConfigWriter {
  const { broker, clock } = options;
  const topic = (options.topicPrefix ?? '') + topics.config.name;
  const producer = broker.producer(`config-${options.name}`);
  const trail = createAuditTrail({ broker, clock, topicPrefix: options.topicPrefix ?? '' });
  const byThisWriter: ConfigOrigin = { by: options.name, wins: 'always', isFile: false };
  // Within one process writes take turns; between processes the read-back below settles who was first.
  let turn: Promise<unknown> = Promise.resolve();

  const apply = async (config: RouterConfig, expectedVersion: number, origin: ConfigOrigin): Promise<ConfigWrite> => {
    const { earliest, end } = await broker.offsets({ topic, partition: 0 });
    const { current, newestVersion, isCovered } = await readApplied(broker, topic, earliest, end);
    if ((current?.version ?? 0) !== expectedVersion) return { ok: false, current, isCovered };
    const applied: ConfigApplied = {
      version: Math.max(expectedVersion, newestVersion) + 1,
      json: configToJson(config),
      appliedAtMs: clock.nowMs(),
      appliedBy: origin.by,
      fileSha256: origin.isFile ? fileHashOf(config) : (current?.fileSha256 ?? null),
    };
    const audited = await recordOfChange(trail, current, applied);
    const offset = await write(producer, topic, applied, audited);
    const { first: earlier, newestVersion: newestMeanwhile } = await readApplied(broker, topic, end, offset);
    if (!earlier) {
      await rememberVersion(options, producer, applied, origin.reason ?? '');
      logChange(options.log, current, applied, config);
      return { ok: true, applied };
    }
    // Ours lies on top of theirs and would win for readers: put back what came first, with a version above all.
    const restored = { ...earlier, version: Math.max(newestMeanwhile, applied.version) + 1 };
    const undone = { ...restored, appliedBy: `${origin.by}, whom somebody else was ahead of` };
    await write(producer, topic, restored, await recordOfChange(trail, applied, undone));
    await rememberVersion(options, producer, restored, `put back: ${origin.by} wrote at the same moment`);
    return { ok: false, current: restored };
  };

  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task);
    turn = result.catch(() => {});
    return result;
  };
  const inForce = async (): Promise<Found> => {
    const { earliest, end } = await broker.offsets({ topic, partition: 0 });
    return readApplied(broker, topic, earliest, end);
  };

  return {
    apply: (config, expectedVersion, by = options.name, reason = '') =>
      inTurn(() => apply(config, expectedVersion, { ...byThisWriter, by, reason })),
    putInForce: (config, origin = byThisWriter) =>
      inTurn(async () => {
        // Each try starts from what stood in the way of the one before; two writers at once need one or two.
        let { current, isCovered } = await inForce();
        for (let tries = 5; tries > 0; tries--) {
          const settled = settleConfig(current, config, origin);
          const version = current?.version ?? 0;
          // What is covered is written anew.
          if (settled.kind === 'same' && !isCovered)
            return { version, config, changed: false, kept: null, changes: [], needsRestart: [] };
          const keeps = settled.kind === 'keep';
          const stays = keeps ? configFromJson(current!.json) : config;
          const changes = settled.kind === 'same' ? [] : settled.changes;
          const kept = keeps ? settled.reason : null;
          if (keeps && !isCovered) return { version, config: stays, changed: false, kept, changes, needsRestart: [] };
          const written = await apply(
            stays,
            version,
            keeps ? { ...origin, by: current!.appliedBy, isFile: false } : origin,
          );
          if (written.ok) {
            const before = current && readable(current);
            const needsRestart = before && !keeps ? restartsNeeded(before, config) : [];
            return { version: written.applied.version, config: stays, changed: true, kept, changes, needsRestart };
          }
          current = written.current;
          isCovered = written.isCovered ?? false;
        }
        throw new Error('the configuration keeps being changed by somebody else: stop one of the writers');
      }),
    async close() {
      await turn;
      await producer.close();
    },
  };
}

function logChange(
  log: Log | undefined,
  before: ConfigApplied | null,
  applied: ConfigApplied,
  config: RouterConfig,
): void {
  if (!log) return;
  let changes: string[] = [];
  try {
    if (before) changes = diffConfig(configFromJson(before.json), config);
  } catch {
    changes = ['the version before cannot be read'];
  }
  log.info('configuration changed', {
    by: applied.appliedBy,
    fromVersion: before?.version ?? 0,
    toVersion: applied.version,
    changes: changes.slice(0, loggedChanges),
    ...(changes.length > loggedChanges && { furtherChanges: changes.length - loggedChanges }),
  });
}

function recordOfChange(
  trail: AuditTrail,
  before: ConfigApplied | null,
  after: ConfigApplied,
): Promise<OutgoingRecord> {
  return trail.recordOf({
    who: after.appliedBy,
    action: 'config.apply',
    target: `version ${after.version}`,
    ...differingFields(before && readable(before), readable(after)),
  });
}

function readable({ json }: ConfigApplied): RouterConfig | null {
  try {
    return configFromJson(json);
  } catch {
    // Of an older release, or a foreign writer's.
    return null;
  }
}

async function write(
  producer: Producer,
  topic: string,
  applied: ConfigApplied,
  audited: OutgoingRecord,
): Promise<number> {
  const value = topics.config.codec.encode(applied);
  const [written] = await producer.send([{ topic, key: topics.config.keyOf(applied), value }, audited]);
  return written!.offset;
}

interface Found {
  /** The first configuration, which keeps its place; null when there is none. */
  readonly first: ConfigApplied | null;
  /** The last configuration; null when there is none. */
  readonly current: ConfigApplied | null;
  readonly newestVersion: number;
  /** Something that is no configuration lies on top of it: compaction makes the log forget it one day. */
  readonly isCovered: boolean;
}

/** What the records of [from, to) put in force. A record that is none of ours is passed over, as the readers of the table do. */
async function readApplied(broker: Broker, topic: string, from: number, to: number): Promise<Found> {
  let first: ConfigApplied | null = null;
  let current: ConfigApplied | null = null;
  let newestVersion = 0;
  let isCovered = false;
  for await (const records of broker.read({ topic, partition: 0 }, { from, to })) {
    for (const record of records) {
      const read = readRow(topics.config, record, ({ json }) => void configFromJson(json));
      isCovered = read.kind !== 'row';
      if (read.kind !== 'row') continue;
      first ??= read.value;
      current = read.value;
      newestVersion = Math.max(newestVersion, read.value.version);
    }
  }
  return { first, current, newestVersion, isCovered };
}
