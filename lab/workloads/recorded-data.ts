/**
 * Recorded routing data as a workload: one JSON object a line, plain or gzipped,
 *
 *     {"id", "dataset", "split", "prompt" | "features", "outcomes": {model: {"score": 0..1 | null, "cost": USD | null}}}
 *
 * A null score means that the model was not measured and is no candidate for that row; a null cost only that it is unknown.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { ModelConfig } from '../../lib/config/router-config';
import { readLines } from '../../lib/read-lines';
import { jsonTextFault } from '../../services/gateway/http/check-json-text';
import { checkRowIndex, type Outcome, type Workload, type WorkloadRow } from './workload';

/** Says which line and field is wrong. */
export class RecordedDataError extends Error {
  override readonly name = 'RecordedDataError';
  constructor(
    message: string,
    /** 1-based; null: the file as a whole. */
    readonly line: number | null,
    readonly field: string | null,
  ) {
    super(line === null ? message : `line ${line}: ${field ?? 'row'}: ${message}`);
  }
}

export interface RecordedDataOptions {
  /** Models to leave out, for instance a newcomer. Rows without any other candidate are left out too. */
  readonly excludeModels?: readonly string[];
}

export interface RecordedData extends Workload {
  /** Rows without a candidate. */
  readonly rowsLeftOut: number;
}

/** Latency of every call where the data has none, in milliseconds: equal for all, so it favours none. */
export const assumedLatencyMs = 1_000;

/** Scores outside 0..1 by no more than this are moved to the bound. */
const scoreTolerance = 0.1;

/** Streams a file. Throws RecordedDataError for bad rows, and the file system's error for a file that cannot be read. */
export async function readRecordedData(path: string, options: RecordedDataOptions = {}): Promise<RecordedData> {
  const rows: WorkloadRow[] = [];
  let lineNumber = 0;
  try {
    for await (const line of readLines(openBytes(path))) {
      lineNumber++;
      if (!line.ok) throw new RecordedDataError(line.message, lineNumber, null);
      if (line.text.trim() !== '') rows.push(parseRecordedRow(line.text, lineNumber));
    }
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? '');
    if (code.startsWith('Z_')) throw new RecordedDataError(`${path} is not a complete gzip file (${code})`, null, null);
    throw error;
  }
  return recordedData(path.replace(/^.*[/\\]/, '').replace(/\.jsonl(\.gz)?$/, ''), rows, options);
}

async function* openBytes(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  const source = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // pipe() does not pass errors on.
  if (source !== file) file.on('error', (error) => source.destroy(error));
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } finally {
    file.destroy();
  }
}

/** A workload of parsed rows. Throws RecordedDataError when nothing is left, ids repeat or features differ in length. */
export function recordedData(
  name: string,
  all: readonly WorkloadRow[],
  options: RecordedDataOptions = {},
): RecordedData {
  const excluded = new Set(options.excludeModels ?? []);
  const names = new Set<string>();
  for (const row of all) for (const model of row.outcomes.keys()) names.add(model);
  for (const model of excluded) {
    if (!names.has(model)) {
      throw new RecordedDataError(`cannot exclude ${model}: the data has ${[...names].join(', ')}`, null, null);
    }
  }
  const modelNames = [...names].filter((model) => !excluded.has(model));
  const rows = all.filter((row) => modelNames.some((model) => (row.outcomes.get(model) ?? null) !== null));
  if (rows.length === 0) throw new RecordedDataError('there is no row with a measured model in it', null, null);
  checkIds(rows);
  checkFeatureLengths(rows);
  return {
    name,
    simulated: false,
    models: modelNames.map((model) => modelConfigOf(model, rows)),
    rows: rows.length,
    rowsLeftOut: all.length - rows.length,
    events: [],
    utility: null,
    row(index) {
      checkRowIndex(index, rows.length);
      return rows[index]!;
    },
  };
}

/** Indices of the rows of one split, in file order. Throws RecordedDataError, naming the splits there are, for none. */
export function indicesOfSplit(workload: Workload, split: string): number[] {
  const indices: number[] = [];
  const splits = new Set<string>();
  for (let i = 0; i < workload.rows; i++) {
    const row = workload.row(i);
    if (row.split !== null) splits.add(row.split);
    if (row.split === split) indices.push(i);
  }
  if (indices.length === 0) {
    const known = splits.size === 0 ? 'it has none' : `it has ${[...splits].join(', ')}`;
    throw new RecordedDataError(`${workload.name} has no split "${split}"; ${known}`, null, null);
  }
  return indices;
}

/** Throws RecordedDataError naming the line and the field. Fields it does not know are ignored. */
export function parseRecordedRow(line: string, lineNumber: number): WorkloadRow {
  const fail = (field: string | null, message: string): never => {
    throw new RecordedDataError(message, lineNumber, field);
  };
  // Two of a key, of which the last would win, and numbers beyond all that there are: refused as in a body.
  const fault = jsonTextFault(line);
  if (fault) return fail(fault.field || null, fault.message);
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    return fail(null, `not JSON (${(error as Error).message})`);
  }
  if (!isRecord(parsed)) return fail(null, 'must be a JSON object');
  const text = (field: string): string | null => {
    const value = parsed[field] ?? null;
    return value === null || typeof value === 'string' ? value : fail(field, 'must be a string');
  };
  const id = text('id');
  if (id === null || id === '') return fail('id', 'must be a non-empty string');
  const prompt = text('prompt');
  const features = parseFeatures(parsed['features'] ?? null, fail);
  if ((prompt === null) === (features === null))
    return fail('prompt', 'exactly one of prompt and features must be given');
  const given = parsed['outcomes'];
  if (!isRecord(given) || Object.keys(given).length === 0) {
    return fail('outcomes', 'must be an object with at least one model');
  }
  const outcomes = new Map<string, Outcome | null>();
  for (const [model, outcome] of Object.entries(given)) outcomes.set(model, parseOutcome(model, outcome, fail));
  return {
    id,
    split: text('split'),
    group: text('dataset') ?? text('group'),
    prompt,
    features,
    taskHint: null,
    outcomes,
  };
}

type Fail = (field: string | null, message: string) => never;

function parseFeatures(value: unknown, fail: Fail): number[] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length === 0) return fail('features', 'must be a non-empty array of numbers');
  value.forEach((feature, i) => {
    if (typeof feature !== 'number' || !Number.isFinite(feature)) fail(`features[${i}]`, 'must be a finite number');
  });
  return value as number[];
}

function parseOutcome(model: string, value: unknown, fail: Fail): Outcome | null {
  const field = `outcomes.${model}`;
  if (!isRecord(value)) return fail(field, 'must be an object');
  const atLeastZero = (name: string): number | null => {
    const number = value[name] ?? null;
    if (number === null) return null;
    if (typeof number !== 'number' || !(number >= 0) || !Number.isFinite(number)) {
      return fail(`${field}.${name}`, `must be a number of at least 0 or null, not ${JSON.stringify(number)}`);
    }
    return number;
  };
  const score = parseScore(value['score'] ?? null, (message) => fail(`${field}.score`, message));
  const rest = {
    costUsd: atLeastZero('cost'),
    latencyMs: atLeastZero('latencyMs') ?? assumedLatencyMs,
    inputTokens: atLeastZero('inputTokens'),
    outputTokens: atLeastZero('outputTokens'),
  };
  return score === null ? null : { score, status: 'SUCCESS', ...rest };
}

/** Judges now and then step a little outside 0..1; anything further off is a different scale. */
function parseScore(value: unknown, fail: (message: string) => never): number | null {
  if (value === null) return null;
  const nearlyInRange = typeof value === 'number' && value >= -scoreTolerance && value <= 1 + scoreTolerance;
  if (!nearlyInRange) return fail(`must be 0..1 or null, not ${JSON.stringify(value)}`);
  return Math.min(1, Math.max(0, value));
}

function checkIds(rows: readonly WorkloadRow[]): void {
  const seen = new Set<string>();
  for (const { id } of rows) {
    if (seen.has(id)) throw new RecordedDataError(`id ${id} is given twice`, null, 'id');
    seen.add(id);
  }
}

function checkFeatureLengths(rows: readonly WorkloadRow[]): void {
  const expected = rows[0]!.features?.length ?? null;
  for (const { id, features } of rows) {
    if ((features?.length ?? null) !== expected) {
      const wanted = expected === null ? 'a prompt' : `${expected} features`;
      throw new RecordedDataError(`row ${id} must have ${wanted} like the first row`, null, 'features');
    }
  }
}

/** What is known of a model before routing: its name. Prices are zero, which means unknown. */
function modelConfigOf(name: string, rows: readonly WorkloadRow[]): ModelConfig {
  let latencySum = 0;
  let tokenSum = 0;
  let measured = 0;
  let counted = 0;
  for (const row of rows) {
    const outcome = row.outcomes.get(name) ?? null;
    if (outcome === null) continue;
    latencySum += outcome.latencyMs;
    measured++;
    if (outcome.outputTokens === null) continue;
    tokenSum += outcome.outputTokens;
    counted++;
  }
  return {
    name,
    provider: providerOf(name),
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 },
    capabilities: [],
    contextTokens: 1_000_000,
    expectedLatencyMs: measured > 0 ? latencySum / measured : assumedLatencyMs,
    expectedOutputTokens: counted > 0 ? Math.max(1, Math.round(tokenSum / counted)) : 500,
    expectedQuality: 0.5,
    taskQuality: {},
  };
}

/** `meta-llama/llama-3.1-8b` is served by meta-llama; `llama-3.1-8b` by whoever serves the llama family. */
function providerOf(name: string): string {
  const slash = name.indexOf('/');
  if (slash > 0) return name.slice(0, slash);
  return /^[a-z]+/i.exec(name)?.[0] ?? name;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
