/**
 * A copy of the tables that a gateway cannot answer calls without, in a file: which models there are, who may call, and how the
 * models were doing. With it a gateway that starts while the log is away knows as much as it did before.
 */
import { randomUUID } from 'node:crypto';
import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { CopiedTables } from '../../../lib/adapters/copied-tables';
import { dictionaryOf } from '../../../lib/dictionary';
import type { Topic } from '../../../lib/topics/define-topic';
import type { AccessKeyChange, ConfigApplied, ModelProfile } from '../../../lib/topics/generated/messages';
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
  format: z.literal(1),
  /** An engine that shares its cluster with others knows its own copy by it. */
  topicPrefix: z.string(),
  copiedAtMs: z.number(),
  tables: z.record(z.string(), z.array(z.strictObject({ key: z.string(), value: z.base64() }))),
});

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
  return JSON.stringify({ format: 1, topicPrefix, copiedAtMs: nowMs, tables } satisfies z.input<typeof copySchema>);
}

function tableOf<T>(topic: Topic<T>, values: Iterable<T>): [string, { key: string; value: string }[]] {
  const rows = [...values].map((value) => ({
    key: topic.keyOf(value),
    value: Buffer.from(topic.codec.encode(value)).toString('base64'),
  }));
  return [topic.name, rows];
}

/** Throws, in words for people, for what is no copy of this engine's tables. Whether a row is one its reader finds out. */
export function parseCopy(text: string, topicPrefix: string): TableCopy {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  const parsed = copySchema.safeParse(given);
  if (!parsed.success) throw new Error('it is no copy that a gateway has written');
  const { tables, copiedAtMs, topicPrefix: of } = parsed.data;
  if (of !== topicPrefix) throw new Error(`it is of an engine whose topics begin with ${JSON.stringify(of)}`);
  const rows = Object.entries(tables).map(
    ([name, table]) =>
      [topicPrefix + name, table.map(({ key, value }) => ({ key, value: Buffer.from(value, 'base64') }))] as const,
  );
  return { copiedAtMs, tables: new Map(rows) };
}

/** Null where there is no such file yet. Rejects, in words for people, for one that cannot be used. */
export async function readCopy(file: string, topicPrefix: string): Promise<TableCopy | null> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) throw new Error(`it has more than ${maxFileBytes} bytes`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parseCopy(text, topicPrefix);
}

/** In one go, so that whoever reads it finds the old one or the new one whole. Nobody but its owner may read it. */
export async function writeCopy(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}`;
  try {
    await writeFile(beside, text, { mode: ownerAlone });
    await chmod(beside, ownerAlone);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
