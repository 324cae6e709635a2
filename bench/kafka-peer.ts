/**
 * This engine against a Kafka Streams program of the same topology, in alternation on this machine, each with a broker of
 * its own: for every rate the p95, and at saturation the decisions per core that the programs themselves keep busy (broker
 * and load generator not counted). A ratio of latencies below 1 and of throughput above 1 is ahead.
 *
 *     node dist/bench/kafka-peer.js --peer FOLDER [--pairs 3] [--seconds 15]
 *
 * The folder has a `run.sh` that prints one JSON line per configuration. Where it is absent this says so and measures nothing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findFreePort } from '../infra/free-port';
import { projectRoot } from '../infra/infra-file';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { type Figures, figuresOf, type Pair, pairRatios } from './pair-ratios';
import { engineFigures, peerFigures } from './peer-figures';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      peer: { type: 'string' },
      pairs: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '15' },
    },
  });
  if (values.peer === undefined) throw new Error('--peer must name the folder of the program to measure against');
  const folder = resolve(values.peer);
  if (!existsSync(join(folder, 'run.sh'))) {
    process.stderr.write(`skipped: ${values.peer} has no run.sh\n`);
    report('skipped', 1, 'runs', { reason: 'the program to measure against is not here' });
    return;
  }
  const work = mkdtempSync(join(tmpdir(), 'quantum-router-peer-'));
  const pairs: Pair[] = [];
  try {
    for (let pair = 1; pair <= Number(values.pairs); pair++) {
      process.stderr.write(`pair ${pair} of ${values.pairs}\n`);
      const ours = (): Figures => engineFigures(figuresOf(runEngine(values.seconds)));
      const peers = async (): Promise<Figures> => peerFigures(await runPeer(folder, work, values.seconds));
      // Whoever comes first meets another machine than whoever comes second, so they take turns at that, too.
      if (pair % 2 === 1) pairs.push({ ours: ours(), reference: await peers() });
      else {
        const reference = await peers();
        pairs.push({ ours: ours(), reference });
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  for (const { name, median, unit, ...spread } of pairRatios(pairs)) {
    const details = { ...spread, of: unit };
    if (name.endsWith('latencyP95')) reportBar(name, median, 'ratio', '<=', 1, details);
    else if (name === 'saturation.perCore') reportBar(name, median, 'ratio', '>=', 1, details);
    else report(name, median, 'ratio', details);
  }
}

/** What our own benchmark prints; it ends with 1 when it misses bars of its own, which are not asked for here. */
function runEngine(seconds: string): string {
  const script = join(projectRoot, 'dist/bench/kafka.js');
  return outputOf('node', [script, '--seconds', seconds], projectRoot, process.env);
}

async function runPeer(folder: string, work: string, seconds: string): Promise<string> {
  const port = await findFreePort(2);
  const environment = { REPS: '1', SECS: seconds, RATES: '500 300 100', INFLIGHT: '256', CONFIGS: 'alo' };
  const places = { WORK: work, PORT: String(port) };
  return outputOf('bash', [join(folder, 'run.sh')], folder, { ...process.env, ...environment, ...places });
}

function outputOf(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): string {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  const run = spawnSync(program, args, { cwd, env, encoding: 'utf8', stdio, maxBuffer: 64 * 1_048_576 });
  if (run.error) throw run.error;
  if (run.stdout.trim() === '') throw new Error(`${program} printed nothing and ended with status ${run.status}`);
  return run.stdout;
}

runCheck(main);
