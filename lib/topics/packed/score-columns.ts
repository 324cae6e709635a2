/**
 * What threads say of the candidates as columns of numbers. Static strategies share their qualities and utilities, so these are
 * written once. Scores of other programs have lists in their threads and are read as they are.
 */
import type { ScoreColumns, StrategyScored, ThreadScore } from '../generated/messages';
import { ColumnPacker, ColumnReader, mostColumns, mostRows } from './columns';
import type { Room } from './room';

const listsEach = 3;

export type PackedScored = StrategyScored & { columns: ScoreColumns | null };

/** Threads whose lists are not all of one length, or not of numbers, stay as they are. */
export function packScored(scored: StrategyScored, room: Room): PackedScored {
  const columns = columnsOf(scored.threads, room);
  const { requestId, routingKey, group, scoredAtMs } = scored;
  const threads = columns === null ? scored.threads : scored.threads.map((thread) => room.takeThread(thread));
  return { requestId, routingKey, group, threads, scoredAtMs, columns };
}

function columnsOf(threads: readonly ThreadScore[], room: Room): ScoreColumns | null {
  if (!Array.isArray(threads) || listsEach * threads.length > mostColumns) return null;
  const candidates = longestOf(threads);
  if (!(candidates > 0 && candidates <= mostRows)) return null;
  const packer = new ColumnPacker(candidates, listsEach * threads.length, room);
  const add = (list: number[]): boolean => {
    if (!Array.isArray(list)) return false;
    if (list.length === candidates) return packer.add(list);
    packer.addEmpty();
    return list.length === 0;
  };
  for (const { probabilities, utilities, qualities } of threads)
    if (!(add(probabilities) && add(utilities) && add(qualities))) return null;
  return { candidates, ...packer.done() };
}

function longestOf(threads: readonly ThreadScore[]): number {
  let longest = 0;
  for (const { probabilities, utilities, qualities } of threads)
    for (const list of [probabilities, utilities, qualities])
      if (Array.isArray(list) && list.length > longest) longest = list.length;
  return longest;
}

/** Throws when the columns do not fit together. Threads share the lists that were the same. */
export function unpackScored(packed: PackedScored): StrategyScored {
  const { columns, requestId, routingKey, group, threads, scoredAtMs } = packed;
  const scored = { requestId, routingKey, group, threads, scoredAtMs };
  if (columns === null) return scored;
  if (!(columns.candidates > 0) || columns.places.length !== listsEach * threads.length)
    throw new Error(`${columns.places.length} columns of ${columns.candidates} numbers for ${threads.length} threads`);
  const reader = new ColumnReader(columns, columns.candidates);
  for (const [i, thread] of threads.entries()) {
    thread.probabilities = reader.list(listsEach * i);
    thread.utilities = reader.list(listsEach * i + 1);
    thread.qualities = reader.list(listsEach * i + 2);
  }
  return scored;
}
