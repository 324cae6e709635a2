/**
 * What threads say of the candidates as columns of numbers. Static strategies share their qualities and utilities, so these are
 * written once. Scores of other programs have lists in their threads and are read as they are.
 */
import type { ScoreColumns, StrategyScored, ThreadScore } from '../generated/messages';
import { bytesOfNumbers, type Room, viewOf } from './room';

const emptyList = 255;
const listsEach = 3;
const numberBytes = Float64Array.BYTES_PER_ELEMENT;
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
  if (!Array.isArray(threads)) return null;
  const lists: number[][] = [];
  const places = room.bytes(listsEach * threads.length);
  let at = 0;
  for (const { probabilities, utilities, qualities } of threads) {
    for (const list of [probabilities, utilities, qualities]) {
      if (!Array.isArray(list) || (lists.length > 0 && list.length > 0 && list.length !== lists[0]!.length)) return null;
      let place = list.length === 0 ? emptyList : lists.findIndex((known) => known === list || isSame(known, list));
      if (place < 0) place = lists.push(list) - 1;
      places[at++] = place;
    }
  }
  if (lists.length === 0 || lists.length >= emptyList) return null;
  const candidates = lists[0]!.length;
  const numbers = room.numbers(lists.length * candidates);
  let next = 0;
  for (const list of lists) {
    for (let i = 0; i < candidates; i++) {
      if (typeof list[i] !== 'number') return null;
      numbers[next++] = list[i]!;
    }
  }
  return { candidates, numbers: bytesOfNumbers(numbers), places };
}

/** To the last bit: 0 and -0 are two numbers here. */
function isSame(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
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
  const { candidates, numbers, places } = columns;
  const { threads } = scored;
  const count = numbers.length / (candidates * numberBytes);
  if (!(candidates > 0 && Number.isInteger(count)) || places.length !== listsEach * threads.length)
    throw new Error(`columns of ${candidates} numbers for ${threads.length} threads do not fit together`);
  const view = viewOf(numbers);
  const lists = Array.from({ length: count }, (_, column) => {
    const list: number[] = [];
    for (let i = 0; i < candidates; i++) list.push(view.getFloat64((column * candidates + i) * numberBytes, true));
    return list;
  });
  const listAt = (place: number): number[] => {
    const list = places[place] === emptyList ? [] : lists[places[place]!];
    if (list === undefined) throw new Error(`there is no column ${places[place]}`);
    return list;
  };
  for (const [i, thread] of threads.entries()) {
    thread.probabilities = listAt(listsEach * i);
    thread.utilities = listAt(listsEach * i + 1);
    thread.qualities = listAt(listsEach * i + 2);
  }
  return scored;
}
