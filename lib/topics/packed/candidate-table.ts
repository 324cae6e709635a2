/** Candidates of an opened request, and what its tuning says of each, as columns of numbers; names are written once. */
import type { Candidate, CandidateTable, Health, PinnedBar, RouteOpened, Tuning } from '../generated/messages';
import { ColumnPacker, ColumnReader, mostRows } from './columns';
import { columnOf, createTableReader, type ModelColumn } from './model-columns';
import { createNameLists } from './name-list';
import type { Room } from './room';

type Pinned = Pick<RouteOpened, 'candidates' | 'tuning'>;

/** What a bit of a flag means; health is a number of two bits. */
const isEligible = 1;
const healthShift = 1;
const healthBits = 3 << healthShift;
const hasDeclared = 8;
const hasCostRatio = 16;
const hasDriftOffset = 32;
const hasReason = 64;
const hasP95 = 128;

const healths: readonly Health[] = ['CLOSED', 'HALF_OPEN', 'OPEN'];
/** Of candidates; two more are of their tuning. */
const ownColumns = 10;
const columnCount = ownColumns + 2;
const nothingDeclared = { quality: 0, costUsd: 0, latencyMs: 0 };

const models = createNameLists();
const providers = createNameLists();
const costRatiosIn = createTableReader();
const driftOffsetsIn = createTableReader();

/** Null where they cannot be said in columns. */
export function packCandidates(pinned: Pinned, room: Room): { table: CandidateTable; tuning: Tuning } | null {
  const { candidates, tuning } = pinned;
  const count = candidates.length;
  if (count === 0 || count > mostRows) return null;
  const modelList = models.pack(count, (i) => candidates[i]!.model);
  const providerList = providers.pack(count, (i) => candidates[i]!.provider);
  if (modelList === null || providerList === null) return null;
  const ratios = columnOf(tuning.costRatios, modelList.names);
  const drifts = columnOf(tuning.driftOffsets, modelList.names);
  if (ratios === null || drifts === null) return null;
  const flagsAt = room.takeBytes(count);
  const columnsAt = room.takeNumbers(ownColumns * count);
  const { bytes, numbers } = room;
  const reasons: string[] = [];
  const bars: (PinnedBar | null)[] = [];
  for (let i = 0; i < count; i++) {
    const candidate = candidates[i]!;
    const flag = flagOf(candidate);
    if (flag < 0 || !writeNumbers(candidate, numbers, columnsAt + i, count)) return null;
    bytes[flagsAt + i] = flag | (ratios.isThere[i]! * hasCostRatio) | (drifts.isThere[i]! * hasDriftOffset);
    if (!(flag & hasReason)) continue;
    reasons.push(candidate.ineligibleReason!);
    bars.push(candidate.bar);
  }
  const packer = new ColumnPacker(count, columnCount, room);
  for (let column = 0; column < ownColumns; column++) packer.add(room.numbers, columnsAt + column * count);
  packer.add(ratios.numbers);
  packer.add(drifts.numbers);
  const { numbers: packed, places } = packer.done();
  const flags = room.bytes.subarray(flagsAt, flagsAt + count);
  return {
    table: { models: modelList.text, providers: providerList.text, flags, reasons, bars, numbers: packed, places },
    tuning: withoutColumns(tuning, ratios, drifts),
  };
}

/** Whether all that should be numbers are. The first one goes to `start`, each next one `count` further. */
function writeNumbers(candidate: Candidate, numbers: Float64Array, start: number, count: number): boolean {
  const { expectedCostUsd, expectedLatencyMs, expectedQuality, errorRate, observations, priceFactor } = candidate;
  const { quality, costUsd, latencyMs } = candidate.declared ?? nothingDeclared;
  const p95LatencyMs = candidate.p95LatencyMs ?? 0;
  numbers[start] = expectedCostUsd;
  numbers[start + count] = expectedLatencyMs;
  numbers[start + 2 * count] = expectedQuality;
  numbers[start + 3 * count] = errorRate;
  numbers[start + 4 * count] = observations;
  numbers[start + 5 * count] = priceFactor;
  numbers[start + 6 * count] = quality;
  numbers[start + 7 * count] = costUsd;
  numbers[start + 8 * count] = latencyMs;
  numbers[start + 9 * count] = p95LatencyMs;
  return (
    typeof expectedCostUsd === 'number' &&
    typeof expectedLatencyMs === 'number' &&
    typeof expectedQuality === 'number' &&
    typeof errorRate === 'number' &&
    typeof observations === 'number' &&
    typeof priceFactor === 'number' &&
    typeof quality === 'number' &&
    typeof costUsd === 'number' &&
    typeof latencyMs === 'number' &&
    typeof p95LatencyMs === 'number'
  );
}

/** -1 where the candidate says something that no flag says. */
function flagOf({ eligible, health, declared, ineligibleReason, p95LatencyMs, bar }: Candidate): number {
  const at = health === 'CLOSED' ? 0 : healths.indexOf(health);
  if (at < 0 || typeof eligible !== 'boolean') return -1;
  if (ineligibleReason === null ? bar !== null : typeof ineligibleReason !== 'string') return -1;
  return (
    (eligible ? isEligible : 0) |
    (at << healthShift) |
    (declared === null ? 0 : hasDeclared) |
    (ineligibleReason === null ? 0 : hasReason) |
    (p95LatencyMs === null ? 0 : hasP95)
  );
}

const tuningsWithout = new WeakMap<Tuning, { readonly ratios: ModelColumn; readonly tuning: Tuning }>();

/** What is left of the tuning; like the tuning itself it serves many requests. */
function withoutColumns(tuning: Tuning, ratios: ModelColumn, drifts: ModelColumn): Tuning {
  const known = tuningsWithout.get(tuning);
  if (known?.ratios === ratios) return known.tuning;
  const rest = { ...tuning, costRatios: ratios.others, driftOffsets: drifts.others };
  tuningsWithout.set(tuning, { ratios, tuning: rest });
  return rest;
}

/** Puts candidates, cost ratios and drift offsets of a table into what was read. Throws when its parts do not fit together. */
export function unpackCandidates(table: CandidateTable, read: Pinned): void {
  const { flags, reasons, bars } = table;
  const names = models.unpack(table.models);
  const ownedBy = providers.unpack(table.providers);
  const count = names.length;
  if (ownedBy.length !== count || flags.length !== count || table.places.length !== columnCount)
    throw new Error(`a table of ${count} models, ${ownedBy.length} providers and ${table.places.length} columns`);
  const columns = new ColumnReader(table, count);
  for (let column = 0; column < columnCount; column++)
    if (columns.isEmpty(column)) throw new Error(`column ${column} of the candidates is empty`);
  const candidates = new Array<Candidate>(count);
  let nextReason = 0;
  for (let i = 0; i < count; i++) {
    const flag = flags[i]!;
    const health = healths[(flag & healthBits) >> healthShift];
    const bar = flag & hasReason ? (bars[nextReason] ?? null) : null;
    const reason = flag & hasReason ? reasons[nextReason++] : null;
    if (health === undefined || reason === undefined) throw new Error(`the flags of candidate ${i} mean nothing`);
    candidates[i] = {
      model: names[i]!,
      provider: ownedBy[i]!,
      eligible: (flag & isEligible) !== 0,
      ineligibleReason: reason,
      health,
      expectedCostUsd: columns.number(0, i),
      expectedLatencyMs: columns.number(1, i),
      expectedQuality: columns.number(2, i),
      errorRate: columns.number(3, i),
      observations: columns.number(4, i),
      priceFactor: columns.number(5, i),
      declared:
        flag & hasDeclared
          ? { quality: columns.number(6, i), costUsd: columns.number(7, i), latencyMs: columns.number(8, i) }
          : null,
      p95LatencyMs: flag & hasP95 ? columns.number(9, i) : null,
      bar,
    };
  }
  read.candidates = candidates;
  const { tuning } = read;
  tuning.costRatios = joined(
    costRatiosIn(names, (i) => columns.number(ownColumns, i), flags, hasCostRatio),
    tuning.costRatios,
  );
  tuning.driftOffsets = joined(
    driftOffsetsIn(names, (i) => columns.number(ownColumns + 1, i), flags, hasDriftOffset),
    tuning.driftOffsets,
  );
}

/** The first is shared by many requests, so it is never changed. */
function joined(table: Record<string, number>, others: Record<string, number>): Record<string, number> {
  return Object.keys(others).length === 0 ? table : Object.assign(others, table);
}
