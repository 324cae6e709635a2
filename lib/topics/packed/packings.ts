/** Which records are packed in the log, and how: those that candidates, scores or sketches are part of, and rows that hold such records. */
import { defaultStrategyGroup } from '../../config/strategy-groups';
import type {
  AwaitedOutcome,
  CandidateTable,
  LearningEvent,
  PendingRoute,
  RouteOpened,
  StrategyScored,
} from '../generated/messages';
import { schemaVersions } from '../generated/schemas';
import { packCandidates, unpackCandidates } from './candidate-table';
import type { Packing } from './packed-codec';
import type { Room } from './room';
import { type PackedScored, packScored, unpackScored } from './score-columns';
import { packSparse, unpackSparse } from './sparse-bytes';

const nothing = Buffer.alloc(0);

type Sparse = { sketch: Buffer; sparseSketch: Buffer };
type PackedOpened = RouteOpened & Sparse & { candidateTable: CandidateTable | null };
type PackedEvent = LearningEvent & Sparse;

/** Fields that a record has in memory. */
function fieldsOf<T>(message: string): readonly (keyof T & string)[] {
  const { fields } = schemaVersions[message]!.at(-1)!.schema as { fields: { name: string; wireOnly?: boolean }[] };
  return fields.filter(({ wireOnly }) => !wireOnly).map(({ name }) => name as keyof T & string);
}

const openedFields = fieldsOf<RouteOpened>('RouteOpened');
const eventFields = fieldsOf<LearningEvent>('LearningEvent');

/**
 * Functions with a statement for each field, made of the schema as avsc makes its readers: a loop over fifty names takes many times
 * as long, and an object that gets its fields by such a loop becomes a table, which is slow and large.
 */
function copierOf<T extends object>(fields: readonly (keyof T & string)[]) {
  const copyOf = new Function('source', `return { ${fields.map((field) => `${field}: source.${field}`).join(', ')} };`);
  const copyInto = new Function(
    'target',
    'source',
    fields.map((field) => `target.${field} = source.${field};`).join(' '),
  );
  return { copyOf: copyOf as (source: T) => T, copyInto: copyInto as (target: T, source: T) => void };
}

const openedCopier = copierOf<RouteOpened>(openedFields);
const eventCopier = copierOf<LearningEvent>(eventFields);

// What is written last; no record holds two opened requests or two events.
const openedInLog: PackedOpened = {
  ...openedCopier.copyOf({} as RouteOpened),
  candidateTable: null,
  sparseSketch: nothing,
};
const eventInLog: PackedEvent = { ...eventCopier.copyOf({} as LearningEvent), sparseSketch: nothing };

/** A sketch goes into three records and a row, and nobody changes it: what it is packed to is worked out once. */
const packedSketches = new WeakMap<Buffer, Buffer>();

function packedOf(sketch: Buffer, room: Room): Buffer {
  let packed = packedSketches.get(sketch);
  if (!packed) {
    packed = Buffer.from(packSparse(sketch, room));
    packedSketches.set(sketch, packed);
  }
  return packed;
}

function writeSketch(target: Sparse, room: Room): void {
  target.sparseSketch = Buffer.isBuffer(target.sketch) ? packedOf(target.sketch, room) : nothing;
  if (target.sparseSketch.length > 0) target.sketch = nothing;
}

function readSketch(packed: Buffer): Buffer {
  const sketch = unpackSparse(packed);
  packedSketches.set(sketch, packed);
  return sketch;
}

/**
 * A strategy in a group of its own may be another program, which knows the lists alone, and so does one that is a shadow: then
 * they are written as they are.
 */
function isReadByEngineAlone({ strategyGroups, shadowGroups, candidates, tuning }: RouteOpened): boolean {
  return (
    Array.isArray(shadowGroups) &&
    shadowGroups.length === 0 &&
    Array.isArray(strategyGroups) &&
    strategyGroups.every((group) => group === defaultStrategyGroup) &&
    Array.isArray(candidates) &&
    typeof tuning?.costRatios === 'object' &&
    typeof tuning.driftOffsets === 'object'
  );
}

function packOpened(opened: RouteOpened, room: Room): PackedOpened {
  openedCopier.copyInto(openedInLog, opened);
  openedInLog.candidateTable = null;
  openedInLog.sparseSketch = nothing;
  if (!isReadByEngineAlone(opened)) return openedInLog;
  writeSketch(openedInLog, room);
  const packed = packCandidates(opened, room);
  if (packed === null) return openedInLog;
  openedInLog.candidates = [];
  openedInLog.tuning = packed.tuning;
  openedInLog.candidateTable = packed.table;
  return openedInLog;
}

function unpackOpened(read: PackedOpened): RouteOpened {
  const opened = openedCopier.copyOf(read);
  if (read.sparseSketch.length > 0) opened.sketch = readSketch(read.sparseSketch);
  if (read.candidateTable !== null) unpackCandidates(read.candidateTable, opened);
  return opened;
}

export const openedPacking: Packing<RouteOpened> = {
  fields: ['candidates', 'tuning', 'sketch'],
  pack: packOpened,
  unpack: (read) => unpackOpened(read as PackedOpened),
};

export const scoredPacking: Packing<StrategyScored> = {
  fields: ['threads'],
  pack: packScored,
  unpack: (read) => unpackScored(read as PackedScored),
};

export const eventPacking: Packing<LearningEvent> = {
  fields: ['sketch'],
  pack(event, room) {
    eventCopier.copyInto(eventInLog, event);
    writeSketch(eventInLog, room);
    return eventInLog;
  },
  unpack(read) {
    const event = eventCopier.copyOf(read as PackedEvent);
    const { sparseSketch } = read as PackedEvent;
    if (sparseSketch.length > 0) event.sketch = readSketch(sparseSketch);
    return event;
  },
};

export const pendingRoutePacking: Packing<PendingRoute> = {
  fields: ['opened', 'scored'],
  pack: (route, room) => ({
    ...route,
    opened: route.opened && packOpened(route.opened, room),
    scored: Array.isArray(route.scored) ? route.scored.map((scored) => packScored(scored, room)) : route.scored,
  }),
  unpack(read) {
    const route = read as PendingRoute;
    if (route.opened) route.opened = unpackOpened(route.opened as PackedOpened);
    route.scored = route.scored.map((scored) => unpackScored(scored as PackedScored));
    return route;
  },
};

export const awaitedOutcomePacking: Packing<AwaitedOutcome> = {
  fields: ['opened'],
  pack: (row, room) => (row.opened ? { ...row, opened: packOpened(row.opened, room) } : row),
  unpack(read) {
    const row = read as AwaitedOutcome;
    if (row.opened) row.opened = unpackOpened(row.opened as PackedOpened);
    return row;
  },
};
