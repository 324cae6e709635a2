/**
 * One line that says how things stand. On a terminal it is written over itself, and whatever else is to be said goes above
 * it; elsewhere it is a plain line now and then, without anything that only a terminal understands.
 */
import type { Clock } from '../ports/clock';

export interface StatusStream {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Read anew for each line: windows change their size. */
  readonly columns: number;
}

/** The line for a width; it must not be wider. */
export type Compose = (columns: number) => string;

export interface StatusLine {
  readonly columns: number;
  /** Call as often as you like: it is written when it is time, on a terminal five times a second at most. */
  show(compose: Compose): void;
  /** Whole lines that stay, such as those of the log; the status comes back below them. */
  above(text: string): void;
  /** Shows the newest state once more, whatever the time, and ends the line. */
  finish(): void;
}

const redrawMs = 200;
const eraseLine = '\r\u001b[2K';

/** `plainEveryMs`: how often a line is written where there is no terminal. */
export function createStatusLine(stream: StatusStream, clock: Clock, plainEveryMs: number): StatusLine {
  const { isTerminal } = stream;
  const everyMs = isTerminal ? redrawMs : plainEveryMs;
  let newest: Compose | null = null;
  let written = '';
  let writtenAtMs = Number.NEGATIVE_INFINITY;

  // A line as wide as the terminal would leave the cursor in the next one.
  const width = (): number => (isTerminal ? stream.columns - 1 : stream.columns);
  const write = (compose: Compose): void => {
    const line = compose(width());
    if (isTerminal) stream.write(`${eraseLine}${line}`);
    else if (line !== written) stream.write(`${line}\n`);
    written = line;
  };
  return {
    get columns() {
      return stream.columns;
    },
    show(compose) {
      newest = compose;
      const nowMs = clock.monotonicMs();
      if (nowMs - writtenAtMs < everyMs) return;
      writtenAtMs = nowMs;
      write(compose);
    },
    above(text) {
      stream.write(isTerminal && written !== '' ? `${eraseLine}${text}${written}` : text);
    },
    finish() {
      if (newest === null) return;
      write(newest);
      if (isTerminal) stream.write('\n');
      newest = null;
      written = '';
      writtenAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
