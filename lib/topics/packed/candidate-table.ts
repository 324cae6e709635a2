/** Candidates of an opened request, and what its tuning says of each, as columns of numbers; names are written once. */
import type { Candidate, CandidateTable, Health, RouteOpened, Tuning } from '../generated/messages';
import { columnOf, createColumnReader, type ModelColumn } from './model-columns';
import { createNameLists } from './name-list';
import { bytesOfNumbers, type Room, viewOf } from './room';

type Pinned = Pick<RouteOpened, 'candidates' | 'tuning'>;

/** What a bit of a flag means; health is a number of two bits. */
const isEligible = 1;
const healthShift = 1;
const healthBits = 3 << healthShift;
const hasDeclared = 8;
const hasCostRatio = 16;
const hasDriftOffset = 32;
const hasReason = 64;

const healths: readonly Health[] = ['CLOSED', 'HALF_OPEN', 'OPEN'];
const columnCount = 11;
const numberBytes = Float64Array.BYTES_PER_ELEMENT;

const models = createNameLists();
const providers = createNameLists();
const costRatiosIn = createColumnReader();
const driftOffsetsIn = createColumnReader();

/** Null where they cannot be said in columns. */
export function packCandidates(pinned: Pinned, room: Room): { table: CandidateTable; tuning: Tuning } | null {
  const { candidates, tuning } = pinned;
  const count = candidates.length;
  const modelList = models.pack(count, (i) => candidates[i]!.model);
  const providerList = providers.pack(count, (i) => candidates[i]!.provider);
  if (modelList === null || providerList === null || count === 0) return null;
  const ratios = columnOf(tuning.costRatios, modelList.names);
  const drifts = columnOf(tuning.driftOffsets, modelList.names);
  if (ratios === null || drifts === null) return null;
  const flags = room.bytes(count);
  const numbers = room.numbers(columnCount * count);
  const reasons: string[] = [];
  for (let i = 0; i < count; i++) {
    if (!writeCandidate(candidates[i]!, numbers, i, count)) return null;
    const flag = flagOf(candidates[i]!);
    if (flag < 0) return null;
    flags[i] = flag | (ratios.isThere[i]! * hasCostRatio) | (drifts.isThere[i]! * hasDriftOffset);
    if (flag & hasReason) reasons.push(candidates[i]!.ineligibleReason!);
  }
  numbers.set(ratios.numbers, 9 * count);
  numbers.set(drifts.numbers, 10 * count);
  return {
    table: {
      models: modelList.text,
      providers: providerList.text,
      flags,
      reasons,
      numbers: bytesOfNumbers(numbers),
    },
    tuning: withoutColumns(tuning, ratios, drifts),
  };
}

/** Whether all that should be numbers are. */
function writeCandidate(candidate: Candidate, numbers: Float64Array, i: number, count: number): boolean {
  const { declared } = candidate;
  return (
    write(numbers, i, candidate.expectedCostUsd) &&
    write(numbers, count + i, candidate.expectedLatencyMs) &&
    write(numbers, 2 * count + i, candidate.expectedQuality) &&
    write(numbers, 3 * count + i, candidate.errorRate) &&
    write(numbers, 4 * count + i, candidate.observations) &&
    write(numbers, 5 * count + i, candidate.priceFactor) &&
    write(numbers, 6 * count + i, declared === null ? 0 : declared.quality) &&
    write(numbers, 7 * count + i, declared === null ? 0 : declared.costUsd) &&
    write(numbers, 8 * count + i, declared === null ? 0 : declared.latencyMs)
  );
}

function write(numbers: Float64Array, at: number, number: number): boolean {
  numbers[at] = number;
  return typeof number === 'number';
}

/** -1 where the candidate says something that no flag says. */
function flagOf({ eligible, health, declared, ineligibleReason }: Candidate): number {
  const at = health === 'CLOSED' ? 0 : healths.indexOf(health);
  if (at < 0 || typeof eligible !== 'boolean') return -1;
  if (ineligibleReason !== null && typeof ineligibleReason !== 'string') return -1;
  return (
    (eligible ? isEligible : 0) |
    (at << healthShift) |
    (declared === null ? 0 : hasDeclared) |
    (ineligibleReason === null ? 0 : hasReason)
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
  const { flags, numbers, reasons } = table;
  const names = models.unpack(table.models);
  const ownedBy = providers.unpack(table.providers);
  const count = names.length;
  if (ownedBy.length !== count || flags.length !== count || numbers.length !== columnCount * count * numberBytes)
    throw new Error(`a table of ${count} models has ${ownedBy.length} providers and ${numbers.length} bytes of numbers`);
  const view = viewOf(numbers);
  const numberAt = (column: number, i: number): number => view.getFloat64((column * count + i) * numberBytes, true);
  const candidates = new Array<Candidate>(count);
  let nextReason = 0;
  for (let i = 0; i < count; i++) {
    const flag = flags[i]!;
    const health = healths[(flag & healthBits) >> healthShift];
    const reason = flag & hasReason ? reasons[nextReason++] : null;
    if (health === undefined || reason === undefined) throw new Error(`the flags of candidate ${i} mean nothing`);
    candidates[i] = {
      model: names[i]!,
      provider: ownedBy[i]!,
      eligible: (flag & isEligible) !== 0,
      ineligibleReason: reason,
      health,
      expectedCostUsd: numberAt(0, i),
      expectedLatencyMs: numberAt(1, i),
      expectedQuality: numberAt(2, i),
      errorRate: numberAt(3, i),
      observations: numberAt(4, i),
      priceFactor: numberAt(5, i),
      declared:
        flag & hasDeclared ? { quality: numberAt(6, i), costUsd: numberAt(7, i), latencyMs: numberAt(8, i) } : null,
    };
  }
  const columnBytes = (column: number): Buffer =>
    numbers.subarray(column * count * numberBytes, (column + 1) * count * numberBytes);
  read.candidates = candidates;
  const { tuning } = read;
  tuning.costRatios = joined(costRatiosIn(names, columnBytes(9), flags, hasCostRatio), tuning.costRatios);
  tuning.driftOffsets = joined(driftOffsetsIn(names, columnBytes(10), flags, hasDriftOffset), tuning.driftOffsets);
}

/** The first is shared by many requests, so the others are never put into it. */
function joined(table: Record<string, number>, others: Record<string, number>): Record<string, number> {
  return Object.keys(others).length === 0 ? table : Object.assign(others, table);
}
