/** Keeps the processes of an engine running: starts them, passes their logs on, starts the dead anew, stops all of them. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../lib/ports/clock';
import type { ProcessName, ReadyMessage } from '../../services/process';

export interface ServiceProcess {
  readonly service: ProcessName;
  /** Unique among all processes of the engine; a restarted process keeps it, and with it its place in the group. */
  readonly instanceId: string;
  /** Consumer group that it works in, without prefix; null or absent for none. */
  readonly group?: string | null;
  /** Added to the supervisor's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface SupervisorOptions {
  readonly processes: readonly ServiceProcess[];
  /** For all of them: where Kafka and Redis are, and so on (services/process.ts reads it). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** A line that a process wrote to its log. */
  readonly onLine: (instanceId: string, line: string) => void;
  /** A process ended that was not told to. It is started anew once what this returns has settled, too. */
  readonly onExit: (
    process: ServiceProcess,
    code: number | null,
    signal: NodeJS.Signals | null,
  ) => void | Promise<void>;
  /** The longest wait before a process that keeps ending is started anew; by default 10 s. */
  readonly maxRestartMs?: number;
  /** A process is ready; `url` is where its gateway or its probes listen. Called again after every restart. */
  readonly onReady?: (instanceId: string, url: string | null) => void;
  /** Flags of node itself, in front of the script. */
  readonly nodeOptions?: readonly string[];
  /** Holds the compiled services; default: where this file is compiled to, or else their sources, which start more slowly. */
  readonly compiledServices?: string;
}

export interface Supervisor {
  /** Resolves when every process has been ready once. */
  readonly ready: Promise<void>;
  /** Where a gateway listens; null before it is ready. */
  url(instanceId: string): string | null;
  /** Null while it is down. */
  pid(instanceId: string): number | null;
  /** True from ready to exit. */
  isReady(instanceId: string): boolean;
  /** Sends a signal; a process that dies of it is started anew. */
  signal(instanceId: string, signal: NodeJS.Signals): void;
  /** Adds a process to those that are kept running. */
  add(process: ServiceProcess): void;
  /** Stops one cleanly, for good. */
  remove(instanceId: string): Promise<void>;
  /** Stops all cleanly; kills those that have not ended after `stopTimeoutMs`. */
  stop(): Promise<void>;
}

const firstRestartMs = 200;
const defaultMaxRestartMs = 10_000;
/** A process that lived this long had started well: the next wait is the first again. */
const livedWellMs = 30_000;
const stopTimeoutMs = 20_000;

interface Kept {
  readonly process: ServiceProcess;
  child: ChildProcess | null;
  url: string | null;
  isReady: boolean;
  startedAtMs: number;
  restartMs: number;
  cancelRestart: (() => void) | null;
  removed: boolean;
  onReady: (() => void) | null;
  ended: Promise<void>;
}

// Compiled, the scripts are JavaScript beside this file; run from source they need tsx.
const fromSource = __filename.endsWith('.ts');
const ownServices = join(__dirname, '..', '..', 'services');

export function startSupervisor(options: SupervisorOptions): Supervisor {
  const { clock, maxRestartMs = defaultMaxRestartMs } = options;
  const folder = options.compiledServices ?? ownServices;
  const needsTsx = options.compiledServices === undefined && fromSource;
  const all = new Map<string, Kept>();

  const start = (kept: Kept): void => {
    const { service, instanceId, environment } = kept.process;
    kept.cancelRestart = null;
    kept.startedAtMs = clock.monotonicMs();
    const child = fork(join(folder, service, needsTsx ? 'main.ts' : 'main.js'), [], {
      execArgv: [...(options.nodeOptions ?? []), ...(needsTsx ? ['--import', 'tsx'] : [])],
      env: { ...options.environment, ...environment, INSTANCE_ID: instanceId, OTEL_SERVICE_NAME: service },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C in a terminal is for the supervisor, which stops them in order.
      detached: true,
    });
    kept.child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => options.onLine(instanceId, line));
    }
    child.on('message', (message: ReadyMessage) => {
      if (message.kind !== 'ready') return;
      kept.url = message.url;
      kept.isReady = true;
      kept.onReady?.();
      options.onReady?.(instanceId, message.url);
    });
    kept.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        kept.child = null;
        kept.isReady = false;
        resolve();
        if (kept.removed) return;
        restart(kept, options.onExit(kept.process, code, signal));
      });
    });
  };

  const restart = (kept: Kept, handled: void | Promise<void>): void => {
    const livedMs = clock.monotonicMs() - kept.startedAtMs;
    kept.restartMs = livedMs >= livedWellMs ? firstRestartMs : Math.min(maxRestartMs, kept.restartMs * 2);
    const startAgain = (): void => {
      if (!kept.removed) start(kept);
    };
    kept.cancelRestart = clock.setTimer(kept.restartMs, () => {
      void Promise.resolve(handled).then(startAgain, startAgain);
    });
  };

  const add = (process: ServiceProcess): Promise<void> => {
    const ready = new Promise<void>((resolve) => {
      const kept: Kept = {
        process,
        child: null,
        url: null,
        isReady: false,
        startedAtMs: 0,
        restartMs: firstRestartMs / 2,
        cancelRestart: null,
        removed: false,
        onReady: resolve,
        ended: Promise.resolve(),
      };
      all.set(process.instanceId, kept);
      start(kept);
    });
    return ready;
  };

  const remove = async (instanceId: string): Promise<void> => {
    const kept = all.get(instanceId);
    if (!kept) return;
    kept.removed = true;
    kept.cancelRestart?.();
    all.delete(instanceId);
    if (!kept.child) return;
    kept.child.kill('SIGTERM');
    const cancel = clock.setTimer(stopTimeoutMs, () => kept.child?.kill('SIGKILL'));
    await kept.ended;
    cancel();
  };

  const ready = Promise.all(options.processes.map(add)).then(() => {});
  return {
    ready,
    url: (instanceId) => all.get(instanceId)?.url ?? null,
    pid: (instanceId) => all.get(instanceId)?.child?.pid ?? null,
    isReady: (instanceId) => all.get(instanceId)?.isReady ?? false,
    signal(instanceId, signal) {
      all.get(instanceId)?.child?.kill(signal);
    },
    add: (process) => void add(process),
    remove,
    async stop() {
      // The gateway first: it lets waiting requests finish while the services still run.
      const ids = [...all.keys()];
      for (const kept of all.values()) kept.removed = true;
      const gateways = ids.filter((id) => all.get(id)!.process.service === 'gateway');
      await Promise.all(gateways.map(remove));
      await Promise.all(ids.map(remove));
    },
  };
}
