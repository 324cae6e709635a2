/** Runs command lines in this process, with what they write captured. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../bin/io';
import { main } from '../../bin/program';
import { systemClock } from '../../lib/adapters/system';
import { atEnd } from '../started';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own, removed by `remove`. */
export function createWorkplace() {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-'));
  return {
    directory,
    write: (name: string, text: string) => writeFileSync(join(directory, name), text),
    read: (name: string) => readFileSync(join(directory, name), 'utf8'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
    /** Calls `onStderr` with all that was written so far, whenever something is. */
    async run(
      argv: readonly string[],
      options: {
        stdin?: readonly (string | Buffer)[];
        stop?: AbortController;
        isTerminal?: boolean;
        columns?: number;
        environment?: Record<string, string>;
        onStderr?: (text: string) => void;
        /** Filled in: call it as the signal would. */
        hangup?: { send: () => void };
      } = {},
    ): Promise<Ran> {
      const stop = options.stop ?? new AbortController();
      let stdout = '';
      let stderr = '';
      const { isTerminal = false, columns = 100 } = options;
      const io: Io = {
        stdout: {
          write: (text) => {
            stdout += text;
          },
          isTerminal,
          columns,
        },
        stderr: {
          write: (text) => {
            stderr += text;
            options.onStderr?.(stderr);
          },
          isTerminal,
          columns,
        },
        stdin: async function* () {
          yield* options.stdin ?? [];
        },
        stopSignal: stop.signal,
        onHangup: (listener) => {
          if (options.hangup) options.hangup.send = listener;
          return () => {};
        },
        clock: systemClock(),
        environment: options.environment ?? {},
        workingDirectory: directory,
      };
      const running = main(argv, io);
      // As Ctrl-C, for what serves until then: a test that fails before it stops it would leave it to run on.
      atEnd(async () => {
        stop.abort();
        await running.catch(() => {});
      });
      const exitCode = await running;
      return { exitCode, stdout, stderr };
    },
  };
}
