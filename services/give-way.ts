/** Work that no request waits for gives way to routing where both want the same core. */
import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Of what trains. */
const trainingNiceness = 10;
const autogroupFile = '/proc/self/autogroup';

/** For the thread that trains. Elsewhere than on Linux a priority would be the whole process's. */
export function niceThread(): void {
  // A nicer one stays: only root may take it back.
  if (process.platform === 'linux' && getPriority() < trainingNiceness) setPriority(trainingNiceness);
}

/**
 * For a process that no request waits for, as a whole; by default as much as what trains. Where Linux shares the cores among sessions (autogroup, sched(7)), a nice
 * thread only gives way within its own. A process that leads its session, as under a supervisor, lowers that one, too; one
 * that was started from a shell shares it with others and leaves it alone.
 */
export function niceSession(niceness = trainingNiceness): void {
  try {
    if (sessionIn(readFileSync('/proc/self/stat', 'utf8')) !== process.pid) return;
    const [, nice] = /nice (-?\d+)/.exec(readFileSync(autogroupFile, 'utf8')) ?? [];
    if (Number(nice) < niceness) writeFileSync(autogroupFile, String(niceness));
  } catch {
    // No Linux, or a kernel that does not group by session.
  }
}

/** The session's id is the fourth number after the command's name, which may hold anything (proc(5)). */
function sessionIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}
