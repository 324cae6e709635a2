/** Progress of a command on stderr, with nothing shown before there is something to show. */
import { type Progress, plainEveryMs, startProgress } from '../../lab/report/progress';
import { createStatusLine } from '../../lib/terminal/status-line';
import type { Io } from '../io';

export interface CommandProgress {
  update(done: number, total: number): void;
  finish(): void;
}

/** `unit` names what is counted. Begins with the first call, when the total is known. */
export function progressOf(io: Io, unit: string): CommandProgress {
  let progress: Progress | undefined;
  return {
    update(done, total) {
      const line = () => createStatusLine(io.stderr, io.clock, plainEveryMs);
      progress ??= startProgress({ line: line(), clock: io.clock, total });
      progress.update({ done, figures: [unit] });
    },
    finish: () => progress?.finish(),
  };
}
