/** What is measured: no gateway, this one, and those that others wrote, each started as its own documentation says. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findFreePort } from '../../infra/free-port';
import { type PeerName, peerPrograms } from '../../infra/gateway-peers';
import { projectRoot } from '../../infra/infra-file';

export interface Target {
  readonly name: 'none' | 'plain' | 'ours' | PeerName;
  /** Of POST /chat/completions. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  /** Null for no gateway. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

const startLimitMs = 180_000;
/** Python loads the whole proxy first, which a machine with other work on it makes last. */
const litellmStartLimitMs = 900_000;

export function noGateway(upstream: string): Target {
  const url = `${upstream}/chat/completions`;
  return { name: 'none', url, headers: {}, model: 'bench', pid: null, stop: async () => {} };
}

/** The floor of every gateway that this runtime runs in one process. */
export async function plainProxy(upstream: string): Promise<Target> {
  const child = fork(join(__dirname, 'plain-proxy.js'), [new URL(upstream).origin], { detached: true });
  process.once('exit', () => signal(child, 'SIGKILL'));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (told) => resolve(told as number));
    child.once('exit', (code) => reject(new Error(`the plain proxy ended with ${code}`)));
  });
  return running('plain', child, `http://127.0.0.1:${port}${new URL(upstream).pathname}/chat/completions`);
}

/** The whole engine on its embedded store: every call is decided among two models, made, reported and learned from. */
export async function ourGateway(upstream: string, folder: string): Promise<Target> {
  const port = await findFreePort(1);
  const price = { inputPerMillionUsd: 1, outputPerMillionUsd: 4 };
  const file = join(folder, 'router.yaml');
  writeFileSync(
    file,
    stringify({
      providers: { local: { baseUrl: upstream, apiKeyEnv: 'BENCH_KEY', maxConcurrent: 4_096 } },
      models: ['large', 'small'].map((name) => ({ name, provider: 'local', upstreamModel: 'bench', price })),
    }),
  );
  const store = ['--data-dir', join(folder, 'store'), '--log-level', 'warn'];
  const where = ['--config', file, '--port', String(port)];
  const child = start(join(projectRoot, 'bin/quantum-router'), ['serve', ...where, ...store]);
  const base = `http://127.0.0.1:${port}`;
  await answers(child, `${base}/ready`);
  return { ...running('ours', child, `${base}/v1/chat/completions`), model: 'auto' };
}

export async function litellm(upstream: string, folder: string): Promise<Target> {
  const port = await findFreePort(1);
  const file = join(folder, 'litellm.yaml');
  const parameters = { model: 'openai/bench', api_base: upstream, api_key: 'unused' };
  writeFileSync(file, stringify({ model_list: [{ model_name: 'bench', litellm_params: parameters }] }));
  // It does not start without a key that callers have to know.
  const key = `sk-${randomUUID()}`;
  const [program, ...args] = peerPrograms.litellm;
  const child = start(
    program!,
    [
      ...[...args, '--config', file, '--host', '127.0.0.1', '--port', String(port)],
      ...['--num_workers', '1', '--telemetry', 'False'],
    ],
    { LITELLM_MASTER_KEY: key },
  );
  const base = `http://127.0.0.1:${port}`;
  await answers(child, `${base}/health/readiness`, litellmStartLimitMs);
  return running('litellm', child, `${base}/v1/chat/completions`, { authorization: `Bearer ${key}` });
}

export async function portkey(upstream: string): Promise<Target> {
  const port = await findFreePort(1);
  const [program, ...args] = peerPrograms.portkey;
  const child = start(program!, [...args, `--port=${port}`, '--headless']);
  const base = `http://127.0.0.1:${port}`;
  await answers(child, `${base}/`);
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': upstream };
  return running('portkey', child, `${base}/v1/chat/completions`, headers);
}

function start(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
  const own = { BENCH_KEY: 'unused', LITELLM_LOCAL_MODEL_COST_MAP: 'True', NODE_ENV: 'production' };
  // A group of its own, so that whatever it starts ends with it.
  const child = spawn(program, args, {
    env: { ...process.env, ...own, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  child.on('error', () => {});
  child.stderr!.setEncoding('utf8').on('data', (text: string) => said.set(child, (said.get(child) ?? '') + text));
  process.once('exit', () => signal(child, 'SIGKILL'));
  return child;
}

/** What each has written to stderr, for when it does not start. */
const said = new WeakMap<ChildProcess, string>();

async function answers(child: ChildProcess, url: string, limitMs = startLimitMs): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (performance.now() < deadlineMs && child.exitCode === null) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  signal(child, 'SIGKILL');
  throw new Error(`${child.spawnfile} did not answer at ${url}: ${said.get(child)?.slice(-1_000) ?? ''}`);
}

function running(
  name: Target['name'],
  child: ChildProcess,
  url: string,
  more: Readonly<Record<string, string>> = {},
): Target {
  return {
    ...{ name, url, model: 'bench', pid: child.pid! },
    headers: { authorization: 'Bearer unused', ...more },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        signal(child, 'SIGTERM');
        setTimeout(() => signal(child, 'SIGKILL'), 10_000).unref();
      }),
  };
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, name);
  } catch {
    // It has ended already.
  }
}
