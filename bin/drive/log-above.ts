/** A log for commands with a status line: on a terminal its lines go above it, elsewhere to stderr as ever. */
import { createLog, type Log, type LogLevel } from '../../lib/telemetry/log';
import type { StatusLine } from '../../lib/terminal/status-line';
import type { Io } from '../io';

export function logAbove(io: Io, line: StatusLine, level: LogLevel): Log {
  return createLog({
    level,
    nowMs: () => io.clock.nowMs(),
    ...(io.stderr.isTerminal && { destination: { write: (text: string) => line.above(text) } }),
  });
}
