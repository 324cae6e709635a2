/** Services as processes of their own, with nothing of this process's environment but what they need; they end with the test. */
import { type ServiceProcess, type Supervisor, startSupervisor } from '../../bin/drive/supervisor';
import type { Clock } from '../../lib/ports/clock';
import { built } from '../built';
import { atEnd } from '../started';

/** Resolves when all are ready. */
export async function startProcesses(
  processes: readonly ServiceProcess[],
  environment: Readonly<Record<string, string>>,
  clock: Clock,
): Promise<Supervisor> {
  const supervisor = startSupervisor({
    processes,
    compiledServices: built('services'),
    environment: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'warn', ...environment },
    clock,
    onLine: () => {},
    onExit: () => {},
  });
  atEnd(() => supervisor.stop());
  await supervisor.ready;
  return supervisor;
}
