/**
 * What the learner remembers of single rewards: up to `capacity` requests with their features and outcomes, oldest out
 * first. The network samples the newest of them, refits of the linear half use all. Checkpoints name the rows; their
 * features are read again from the log.
 */
import { type Basis, describeX, type Features } from '../features/basis';
import { createPieces } from '../features/pieces';

const pieces = createPieces();

/** One judged call. */
export interface Outcome {
  readonly model: string;
  /** 0..1, as observed. */
  quality: number;
  /** Drift offset of the model when it was observed, in quality; the fit uses quality - drift. */
  readonly drift: number;
  /** Cost divided by the price factor of its request; null when unknown. */
  costRatio: number | null;
  /** That price factor. */
  priceFactor: number;
}

export interface ReplayRow {
  /** Offset of its event. */
  readonly offset: number;
  readonly decisionId: string;
  readonly features: Features;
  /** One, or several where all models' outcomes were recorded. */
  readonly outcomes: readonly Outcome[];
  /** When its request was opened, milliseconds since the epoch. */
  readonly openedAtMs: number;
  /** Models it could have been given to; null outside sessions, where nobody asks. */
  readonly eligible: readonly string[] | null;
  /** The same session's next request that was judged; null while none is known, and outside sessions. */
  next: ReplayRow | null;
  /** X in the basis of that number, made when it is first asked for; `isKnown` false: of another kind than the basis. */
  described: { readonly x: Float32Array; readonly isKnown: boolean; readonly basis: number } | null;
  /** Which of the network's heads learn from its first outcome, a bit each, made when it is first asked for. */
  firstHeads: number | null;
}

export interface Replay {
  readonly capacity: number;
  /** Oldest first, from `start`. */
  rows: ReplayRow[];
  start: number;
  readonly byDecision: Map<string, ReplayRow>;
  /** Newest row of each session. */
  readonly bySession: Map<string, ReplayRow>;
}

export function createReplay(capacity: number): Replay {
  return { capacity, rows: [], start: 0, byDecision: new Map(), bySession: new Map() };
}

export function replaySize(replay: Replay): number {
  return replay.rows.length - replay.start;
}

/** The i-th oldest row. */
export function rowAt(replay: Replay, i: number): ReplayRow {
  return replay.rows[replay.start + i]!;
}

/** X of a row in a basis, computed once for each basis. */
export function describedIn(
  basis: { readonly fitted: Basis; readonly number: number },
  row: ReplayRow,
): NonNullable<ReplayRow['described']> {
  if (row.described?.basis === basis.number) return row.described;
  const { xSize } = basis.fitted;
  const bytes = pieces.take(4 * xSize);
  const x = new Float32Array(bytes.buffer, bytes.byteOffset, xSize);
  const isKnown = describeX(basis.fitted, row.features, x);
  row.described = { x, isKnown, basis: basis.number };
  return row.described;
}

export function addRow(replay: Replay, row: ReplayRow, sessionId: string | null): void {
  replay.rows.push(row);
  replay.byDecision.set(row.decisionId, row);
  if (sessionId !== null) {
    const before = replay.bySession.get(sessionId);
    // Judged out of order, a request does not follow the one after it.
    if (!before || before.openedAtMs <= row.openedAtMs) {
      if (before) before.next = row;
      replay.bySession.delete(sessionId);
      replay.bySession.set(sessionId, row);
    }
  }
  while (replaySize(replay) > replay.capacity) {
    const oldest = rowAt(replay, 0);
    replay.rows[replay.start++] = undefined as unknown as ReplayRow;
    if (replay.byDecision.get(oldest.decisionId) === oldest) replay.byDecision.delete(oldest.decisionId);
  }
  for (const [session, newest] of replay.bySession) {
    if (newest.offset >= rowAt(replay, 0).offset) break;
    replay.bySession.delete(session);
  }
  // Shifting the array for every row would copy it; once in a capacity is enough.
  if (replay.start > replay.capacity) {
    replay.rows = replay.rows.slice(replay.start);
    replay.start = 0;
  }
}
