/**
 * What threads say of the candidates as columns of numbers. Static strategies share their qualities and utilities, so these are
 * written once. Scores of other programs have lists in their threads and are read as they are.
 */
import type { ScoreColumns, StrategyScored, ThreadScore } from '../generated/messages';
import { ColumnPacker, mostColumns, mostRows, unpackColumns } from './columns';
import type { Room } from './room';

const listsEach = 3;
const none: number[] = [];

export type PackedScored = StrategyScored & { columns: ScoreColumns | null };

/** Threads whose lists are not all of one length, or not of numbers, stay as they are. */
export function packScored(scored: StrategyScored, room: Room): PackedScored {
  const columns = columnsOf(scored.threads, room);
  const { requestId, routingKey, group, scoredAtMs } = scored;
  const threads = columns === null ? scored.threads : scored.threads.map(withoutLists);
  return { requestId, routingKey, group, threads, scoredAtMs, columns };
}

function columnsOf(threads: readonly ThreadScore[], room: Room): ScoreColumns | null {
  if (!Array.isArray(threads) || listsEach * threads.length > mostColumns) return null;
  const lists = (threads as readonly ThreadScore[]).flatMap(({ probabilities, utilities, qualities }) => [
    probabilities,
    utilities,
    qualities,
  ]);
  if (!lists.every(Array.isArray)) return null;
  const candidates = lists.find(({ length }) => length > 0)?.length;
  if (candidates === undefined || candidates > mostRows) return null;
  const packer = new ColumnPacker(candidates, lists.length, room);
  for (const list of lists) {
    if (list.length === 0) packer.addEmpty();
    else if (list.length !== candidates || !packer.add(list)) return null;
  }
  return { candidates, ...packer.done() };
}

function withoutLists({ strategy, status, confidence, durationMs, error, policySha256, coldStart }: ThreadScore) {
  return {
    strategy,
    status,
    probabilities: none,
    utilities: none,
    qualities: none,
    confidence,
    durationMs,
    error,
    policySha256,
    coldStart,
  };
}

/** Throws when the columns do not fit together. Threads share the lists that were the same. */
export function unpackScored({ columns, ...scored }: PackedScored): StrategyScored {
  if (columns === null) return scored;
  const { threads } = scored;
  if (!(columns.candidates > 0) || columns.places.length !== listsEach * threads.length)
    throw new Error(`${columns.places.length} columns of ${columns.candidates} numbers for ${threads.length} threads`);
  const lists = unpackColumns(columns, columns.candidates);
  for (const [i, thread] of threads.entries()) {
    thread.probabilities = lists[listsEach * i]!;
    thread.utilities = lists[listsEach * i + 1]!;
    thread.qualities = lists[listsEach * i + 2]!;
  }
  return scored;
}
