/**
 * A log for commands with a status line: on a terminal its lines are for people and go above it, elsewhere they are JSON on stderr as
 * ever.
 */
import { createLog, type Log, type LogLevel } from '../../lib/telemetry/log';
import type { StatusLine } from '../../lib/terminal/status-line';
import { wantsColour } from '../../lib/terminal/wants-colour';
import type { Io } from '../io';
import { formatLogLine } from './format-log-line';

export const logFormats = ['text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LogWanted {
  readonly level: LogLevel;
  /** Text on a terminal and JSON elsewhere where it is left out. */
  readonly format?: LogFormat | undefined;
}

export function logAbove(io: Io, line: StatusLine, { level, format = logFormatOf(io) }: LogWanted): Log {
  const color = wantsColour(io.stderr, io.environment);
  const textOf = (text: string): string => `${formatLogLine(null, text.trimEnd(), { color })}\n`;
  const write = (text: string): void => line.above(format === 'text' ? textOf(text) : text);
  return createLog({
    level,
    nowMs: () => io.clock.nowMs(),
    ...((io.stderr.isTerminal || format === 'text') && { destination: { write } }),
  });
}

export function logFormatOf(io: Pick<Io, 'stderr'>): LogFormat {
  return io.stderr.isTerminal ? 'text' : 'json';
}
