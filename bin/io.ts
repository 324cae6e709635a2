/** What a command may touch of the outside: handed in, so that tests run commands in their own process. */
import type { Clock } from '../lib/ports/clock';

export interface OutputStream {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export interface Io {
  /** Results. */
  readonly stdout: OutputStream;
  /** Progress, notes and errors. */
  readonly stderr: OutputStream;
  /** Chunks of text; read at most once. */
  readonly stdin: () => AsyncIterable<string | Buffer>;
  /** Aborted when the user or the system asks the process to end. */
  readonly stopSignal: AbortSignal;
  readonly clock: Clock;
  /** Addresses and secrets of servers come from here (lib/config/process-settings.ts). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Paths on the command line are relative to this. */
  readonly workingDirectory: string;
}

/** Exit codes, for scripts; they are part of `--help`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

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

/** Resolves when the signal is aborted, at once when it already is. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
