/**
 * What a long log costs: an engine on its embedded store decides so many requests over HTTP, every outcome reported back, and
 * is started anew on what they left. Only the command line and HTTP are used, so that an older commit can take its turns.
 *
 *     node dist/bench/long-log.js [--requests 100000] [--starts 3] [--ref COMMIT]
 *
 * JSON lines. A start lasts from the process to its first decision, and is ended with SIGTERM. With a commit, starts are in
 * alternation and their ratio has the bar of a third.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { findFreePort } from '../infra/free-port';
import { projectRoot } from '../infra/infra-file';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { buildCommit } from './built-commit';
import { processFigures } from './gateway/process-figures';
import { kilobyteRows } from './kilobyte-rows';
import { medianOf } from './pair-ratios';

const bars = { startRatio: 1 / 3, throughputRatio: 0.95, anonymousMb: 500 };
const inFlight = 64;
/** Throughput is that of the first and of the last so many requests, after as many that warm the compilers up. */
const stretch = 20_000;
const warmUp = 5_000;
const pollMs = 10;

interface Tree {
  readonly name: string;
  readonly root: string;
  readonly folder: string;
}

interface Serving {
  readonly url: string;
  readonly process: ChildProcess;
  /** From the start of the process to its first decision. */
  readonly startMs: number;
  readonly startCpuSeconds: number;
  stop(): Promise<void>;
}

const { rows } = kilobyteRows(3, 512);
const agent = new Agent({ keepAlive: true, maxSockets: inFlight });

function post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: Buffer }> {
  const bytes = Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
    const sent = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}

async function serve({ root, folder }: Tree): Promise<Serving> {
  const port = await findFreePort(1);
  const config = join(folder, 'router.yaml');
  const models = Array.from({ length: 10 }, (_, index) => ({
    name: `model-${index}`,
    provider: 'local',
    price: { inputPerMillionUsd: 1 + index, outputPerMillionUsd: 4 + 4 * index },
  }));
  writeFileSync(config, stringify({ models }));
  const options = ['--config', config, '--port', String(port), '--data-dir', join(folder, 'store')];
  const startedMs = performance.now();
  // The way everybody starts it, so that each tree has its own options of the runtime.
  const child = spawn(join(root, 'bin/quantum-router'), ['serve', ...options, '--log-level', 'warn'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // A benchmark that fails leaves no engine behind.
  process.once('exit', () => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the engine of ${root} ended with status ${child.exitCode}`);
    const answer = await post(`${url}/v1/route`, { prompt: 'Are you there?' }).catch(() => null);
    if (answer?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return {
    url,
    process: child,
    startMs: performance.now() - startedMs,
    startCpuSeconds: processFigures(child.pid!).cpuSeconds,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Decides `requests` requests and reports every outcome. Resolves with decisions a second. */
async function decide({ url }: Serving, requests: number): Promise<number> {
  const startedMs = performance.now();
  let next = 0;
  const one = async (): Promise<void> => {
    for (let index = next++; index < requests; index = next++) {
      const { prompt } = rows[index % rows.length]!;
      const { status, body } = await post(`${url}/v1/route`, { prompt });
      if (status !== 200) throw new Error(`a request was answered with ${status}: ${body}`);
      const { decisionId, model } = JSON.parse(body.toString()) as { decisionId: string; model: string };
      const outcome = { status: 'SUCCESS', quality: (index % 11) / 10, latencyMs: 900, costUsd: 0.002 };
      const reported = await post(`${url}/v1/feedback`, { decisionId, model, ...outcome });
      if (reported.status >= 300) throw new Error(`an outcome was answered with ${reported.status}: ${reported.body}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return (requests * 1_000) / (performance.now() - startedMs);
}

/** Memory that is the process' own: the pages of the store that lie in memory belong to the file. */
function anonymousMb({ process: { pid } }: Serving): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
}

async function fill(tree: Tree, requests: number): Promise<void> {
  const serving = await serve(tree);
  report(`${tree.name}.emptyStart`, serving.startMs, 'ms');
  await decide(serving, warmUp);
  const first = await decide(serving, stretch);
  const firstMb = anonymousMb(serving);
  report(`${tree.name}.throughput.first`, first, 'decisions/s', { anonymousMb: Math.round(firstMb) });
  await decide(serving, Math.max(0, requests - warmUp - 2 * stretch));
  const last = await decide(serving, stretch);
  const lastMb = anonymousMb(serving);
  report(`${tree.name}.throughput.last`, last, 'decisions/s', { anonymousMb: Math.round(lastMb) });
  if (tree.root === projectRoot) {
    reportBar(`${tree.name}.throughput.lastAgainstFirst`, last / first, 'ratio', '>=', bars.throughputRatio);
    reportBar(`${tree.name}.anonymousMemory`, lastMb, 'MB', '<=', bars.anonymousMb);
  }
  await serving.stop();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '100000' },
      starts: { type: 'string', default: '3' },
      ref: { type: 'string' },
    },
  });
  const requests = Number(values.requests);
  const folder = mkdtempSync(join(tmpdir(), 'quantum-router-long-log-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const treeOf = (name: string, root: string): Tree => ({ name, root, folder: mkdtempSync(join(folder, `${name}-`)) });
  const trees = [treeOf('longLog', projectRoot)];
  if (values.ref !== undefined) trees.push(treeOf('longLog.reference', buildCommit(values.ref).root));
  for (const tree of trees) await fill(tree, requests);
  const starts = new Map<Tree, { ms: number[]; cpuSeconds: number[] }>(
    trees.map((tree) => [tree, { ms: [], cpuSeconds: [] }]),
  );
  for (let start = 0; start < Number(values.starts); start++) {
    for (const tree of start % 2 === 0 ? trees : [...trees].reverse()) {
      const serving = await serve(tree);
      starts.get(tree)!.ms.push(serving.startMs);
      starts.get(tree)!.cpuSeconds.push(serving.startCpuSeconds);
      await serving.stop();
    }
  }
  for (const [{ name }, { ms, cpuSeconds }] of starts) {
    report(`${name}.start`, medianOf(ms), 'ms', { all: ms.map(Math.round) });
    report(`${name}.startCpu`, medianOf(cpuSeconds), 's');
  }
  const [ours, reference] = trees.map((tree) => medianOf(starts.get(tree)!.ms));
  if (reference !== undefined) reportBar('longLog.startRatio', ours! / reference, 'ratio', '<=', bars.startRatio);
  agent.destroy();
}

runCheck(main);
