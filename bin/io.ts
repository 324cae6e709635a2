/** What a command may touch of the outside: handed in, so that tests run commands in their own process. */

import type { Clock } from '../lib/ports/clock';
import { wrapText } from '../lib/terminal/wrap-text';

export interface OutputStream {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Width to write for: the terminal's, 80 where there is none. */
  readonly columns: number;
}

export interface Io {
  /** Results. */
  readonly stdout: OutputStream;
  /** Progress, notes and errors. */
  readonly stderr: OutputStream;
  /** Chunks of text; read at most once. */
  readonly stdin: () => AsyncIterable<string | Buffer>;
  /** Takes the whole screen; left out where nobody sits at a terminal. */
  readonly openScreen?: (events: ScreenEvents) => Screen;
  /** Aborted when the user or the system asks the process to end. */
  readonly stopSignal: AbortSignal;
  /** Calls `listener` when the process is told to read its files anew; returns how to end that. */
  readonly onHangup: (listener: () => void) => () => void;
  readonly clock: Clock;
  /** Addresses and secrets of servers come from here (lib/config/process-settings.ts). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Paths on the command line are relative to this. */
  readonly workingDirectory: string;
}

/** What a person does to a command that has the whole screen. */
export interface ScreenEvents {
  readonly onQuit: () => void;
  readonly onResize: () => void;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** At most `rows` lines, none wider than `columns`. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back as it was; harmless when that has been done. */
  close(): void;
}

/** Exit codes, for scripts; they are part of `--help`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, stopped: 130 } as const;

/** An error that needs no stack: one readable line and an exit code. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = exitCodes.failed,
  ) {
    super(message);
    this.name = 'CliError';
  }
}

/** Writes text to a stream, broken between words where it is wider. */
export function say(stream: OutputStream, text: string): void {
  stream.write(
    `${text
      .split('\n')
      .flatMap((line) => wrapText(line, stream.columns))
      .join('\n')}\n`,
  );
}

/** Resolves when the signal is aborted, at once when it already is. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
