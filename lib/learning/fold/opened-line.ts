/**
 * When requests were opened, as a line over the number of outcomes that were folded in. Where the line ends says up to when
 * requests have been counted, on balance of prompt and late outcomes; its slope is the time from one request to the next.
 */

/** Events that count: a line over so many follows a changed rate within seconds and is not led astray by outcomes out of order. */
const memory = 256;
/** Nothing is believed to be further from the line than this, milliseconds: a week. */
const mostMs = 7 * 24 * 3_600_000;

/** Decayed sums of a regression whose newest point is at 0. Plain JSON: it is part of checkpoints. */
export interface OpenedLine {
  count: number;
  indices: number;
  squares: number;
  /** Of times after `originMs`, in milliseconds. */
  times: number;
  products: number;
  originMs: number;
}

export interface FittedLine {
  /** Requests opened later are not counted yet, milliseconds since the epoch; 0 before the first event. */
  readonly countedToMs: number;
  /** Milliseconds from one request to the next; 0 where it is not known. */
  readonly gapMs: number;
}

export function createOpenedLine(): OpenedLine {
  return { count: 0, indices: 0, squares: 0, times: 0, products: 0, originMs: 0 };
}

export function observeOpened(line: OpenedLine, openedAtMs: number): void {
  if (line.count === 0) line.originMs = openedAtMs;
  const expectedMs = line.count === 0 ? 0 : fittedLine(line).countedToMs - line.originMs;
  const timeMs = Math.max(expectedMs - mostMs, Math.min(expectedMs + mostMs, openedAtMs - line.originMs));
  const keep = 1 - 1 / memory;
  // What was the newest point is one back now.
  line.squares = keep * (line.squares - 2 * line.indices + line.count);
  line.indices = keep * (line.indices - line.count);
  line.products = keep * (line.products - line.times);
  line.count = keep * line.count + 1;
  line.times = keep * line.times + timeMs;
}

export function fittedLine({ count, indices, squares, times, products, originMs }: OpenedLine): FittedLine {
  if (count === 0) return { countedToMs: 0, gapMs: 0 };
  const spread = count * squares - indices ** 2;
  const gapMs = spread > 1e-9 ? Math.max(0, (count * products - indices * times) / spread) : 0;
  return { countedToMs: originMs + (times - gapMs * indices) / count, gapMs };
}
