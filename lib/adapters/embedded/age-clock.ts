/**
 * The time that records are taken to be old by. It follows the wall clock, but never at more than twice the speed of time: a clock
 * that is set a year ahead, and back an hour later, ages what is stored by one hour more than it should, and not by a year. What a stop
 * of the process leaves behind is made up for in the same way; nothing has come meanwhile that would need the room.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock';

export interface AgeClock {
  /** In milliseconds since the epoch; never after the wall clock. */
  nowMs(): number;
  /** Keeps it for the next start. */
  save(): void;
}

const speed = 2;
/** So much of it a killed process may lose. */
const saveEveryMs = 600_000;

/** `newestMs`: when the newest record was written, by which a store goes that has no such time yet; 0 for an empty one. */
export function createAgeClock(clock: Clock, directory: string, newestMs: number): AgeClock {
  const file = join(directory, 'age.json');
  const before = readAge(file) ?? (newestMs || clock.nowMs());
  let lookedAtMs = clock.monotonicMs();
  let ageMs = Math.min(before, clock.nowMs());
  let savedMs = before;

  const save = (): void => {
    savedMs = ageMs;
    try {
      writeFileSync(`${file}.new`, JSON.stringify({ ageMs }));
      renameSync(`${file}.new`, file);
    } catch {
      // On a full disk the one before stays, which only keeps what is stored for longer.
    }
  };
  return {
    nowMs() {
      const monotonicMs = clock.monotonicMs();
      ageMs = Math.min(clock.nowMs(), ageMs + speed * (monotonicMs - lookedAtMs));
      lookedAtMs = monotonicMs;
      if (Math.abs(ageMs - savedMs) >= saveEveryMs) save();
      return ageMs;
    },
    save,
  };
}

/** Null where there is none, or nothing that could be one. */
function readAge(file: string): number | null {
  try {
    const { ageMs } = JSON.parse(readFileSync(file, 'utf8')) as { readonly ageMs?: unknown };
    return typeof ageMs === 'number' && ageMs > 0 && Number.isFinite(ageMs) ? ageMs : null;
  } catch {
    return null;
  }
}
