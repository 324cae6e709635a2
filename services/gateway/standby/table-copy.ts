/**
 * A copy of the tables that a gateway cannot answer calls without, in a file: which models there are, who may call, and how the
 * models were doing. With it a gateway that starts while the log is away knows as much as it did before.
 */
import { createHash, randomUUID } from 'node:crypto';
import { chmod, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { CopiedTables } from '../../../lib/adapters/copied-tables';
import { tableChecks } from '../../../lib/config/table-checks';
import { dictionaryOf } from '../../../lib/dictionary';
import { readTextFile } from '../../../lib/read-text-file';
import type { Topic } from '../../../lib/topics/define-topic';
import type { AccessKeyChange, ConfigApplied, ModelProfile } from '../../../lib/topics/generated/messages';
import { readRow } from '../../../lib/topics/read-row';
import { topics } from '../../../lib/topics/topics';

export interface CopiedRows {
  readonly config: Iterable<ConfigApplied>;
  readonly keys: Iterable<AccessKeyChange>;
  readonly profiles: Iterable<ModelProfile>;
}

/** Far more than a configuration of 256 KiB, thousands of keys and the profiles of thousands of models take. */
const maxFileBytes = 67_108_864;
const ownerAlone = 0o600;

const copySchema = z.strictObject({
  format: z.literal(2),
  /** An engine that shares its cluster with others knows its own copy by it. */
  topicPrefix: z.string(),
  copiedAtMs: z.number(),
  /** Of the tables as they are written: a bit that has flipped may leave a row that can be read and says something else. */
  sha256: z.string(),
  tables: z.record(z.string(), z.array(z.strictObject({ key: z.string(), value: z.base64() }))),
});

const copied: ReadonlyMap<string, Topic<unknown>> = new Map(
  [topics.config, topics.accessKeys, topics.modelProfile].map((topic) => [topic.name, topic as Topic<unknown>]),
);

export interface TableCopy {
  readonly copiedAtMs: number;
  /** By the names of the topics, with their prefix. */
  readonly tables: CopiedTables;
}

/** The text of the file. */
export function formatCopy(rows: CopiedRows, topicPrefix: string, nowMs: number): string {
  const tables = dictionaryOf([
    tableOf(topics.config, rows.config),
    tableOf(topics.accessKeys, rows.keys),
    tableOf(topics.modelProfile, rows.profiles),
  ]);
  const sha256 = hashOf(tables);
  return JSON.stringify({ format: 2, topicPrefix, copiedAtMs: nowMs, sha256, tables } satisfies z.input<
    typeof copySchema
  >);
}

function hashOf(tables: unknown): string {
  return createHash('sha256').update(JSON.stringify(tables)).digest('hex');
}

function tableOf<T>(topic: Topic<T>, values: Iterable<T>): [string, { key: string; value: string }[]] {
  const rows = [...values].map((value) => ({
    key: topic.keyOf(value),
    value: Buffer.from(topic.codec.encode(value)).toString('base64'),
  }));
  return [topic.name, rows];
}

/**
 * Throws, in words for people, for what is no copy of this engine's tables, and for one of which a single row cannot be read or used:
 * the keys that are left would be taken for all there are, and where none is left the port for open.
 */
export function parseCopy(text: string, topicPrefix: string): TableCopy {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  const parsed = copySchema.safeParse(given);
  if (!parsed.success) throw new Error('it is no copy that a gateway of this version has written');
  const { tables, copiedAtMs, sha256, topicPrefix: of } = parsed.data;
  if (of !== topicPrefix) throw new Error(`it is of an engine whose topics begin with ${JSON.stringify(of)}`);
  if (hashOf((given as { readonly tables: unknown }).tables) !== sha256)
    throw new Error('it is damaged: its checksum is another one');
  const rows = Object.entries(tables).map(([name, table]) => {
    const topic = copied.get(name);
    if (!topic) throw new Error('it has a table that is not copied');
    const usable = table.map(({ key, value }) => usableRow(topic, key, Buffer.from(value, 'base64')));
    return [topicPrefix + name, usable] as const;
  });
  return { copiedAtMs, tables: new Map(rows) };
}

function usableRow(topic: Topic<unknown>, key: string, value: Buffer): { key: string; value: Buffer } {
  const { name } = topic;
  const record = { topic: name, partition: 0, offset: 0, timestampMs: 0, key, value, headers: {} };
  const row = readRow(topic, record, tableChecks.get(name));
  if (row.kind === 'row') return { key, value };
  const reason = row.kind === 'foreign' ? row.reason : 'it says nothing';
  throw new Error(`a row of its table ${name} cannot be used: ${reason}`);
}

/** Null where there is no such file yet. Rejects, in words for people, for one that cannot be used. */
export async function readCopy(file: string, topicPrefix: string): Promise<TableCopy | null> {
  let text: string;
  try {
    text = await readTextFile(file, maxFileBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parseCopy(text, topicPrefix);
}

/** In one go, so that whoever reads it finds the old one or the new one whole. Nobody but its owner may read it. */
export async function writeCopy(file: string, text: string): Promise<void> {
  if (Buffer.byteLength(text) > maxFileBytes) throw new Error(`it has more than ${maxFileBytes} bytes`);
  const beside = `${file}.${randomUUID()}`;
  try {
    const handle = await open(beside, 'wx', ownerAlone);
    try {
      await handle.writeFile(text);
      // Else a machine that goes down may leave the new name with nothing behind it.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(beside, ownerAlone);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Written within so long: what is older was left behind by a process that was killed. */
const leftoverAgeMs = 60_000;
const besides = /^\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Removes what writers that were killed have left beside the file. */
export async function removeLeftovers(file: string, nowMs: number): Promise<void> {
  const [folder, own] = [dirname(file), basename(file)];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(own) || !besides.test(name.slice(own.length))) continue;
    const path = join(folder, name);
    if (nowMs - (await stat(path)).mtimeMs > leftoverAgeMs) await rm(path, { force: true });
  }
}
