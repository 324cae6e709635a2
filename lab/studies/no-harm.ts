/**
 * Whether learning does harm before it does good: simulated worlds through the whole engine on a virtual clock, held at every
 * multiple of 100 requests against the static rules on the same requests and the same luck. JSON lines.
 *
 *     node dist/lab/studies/no-harm.js [--worlds 1,2,3,4,5] [--seeds 5] [--requests 3000] [--beliefs declared,shuffled]
 *
 * `--requests` plays so many of the first requests of a world of 15,000, in which nothing happens before the 6,750th. The shuffled
 * beliefs are those of other models, a run without any beside it: after 2,000 of 3,000 requests neither should matter.
 */
import { parseArgs } from 'node:util';
import { fourDigits, report, reportBar, runCheck } from '../report/report-line';
import { defaultRunRequests } from '../runs/run';
import { simulatedWorld } from '../workloads/simulated-world';
import { type Beliefs, beliefs, withBeliefs } from './harm/beliefs';
import { type Harm, harmOf, meanBetween } from './harm/harm';
import { playWorld } from './play-world';

/** At every multiple of so many requests, from the second on. */
const leastShare = 0.97;
/** What wrong beliefs may cost in the end, in utility. */
const mostLoss = 0.02;

async function play(world: number, seed: number, requests: number, kind: Beliefs): Promise<Harm> {
  process.stderr.write(`world ${world}, seed ${seed}, beliefs ${kind}\n`);
  const whole = simulatedWorld({ world, rows: Math.max(requests, defaultRunRequests), seed });
  const workload = { ...withBeliefs(whole, kind, seed), rows: requests };
  const { policies } = await playWorld(workload, seed, () => {});
  const rules = policies.find(({ name }) => name === 'static rules')!;
  return harmOf(policies[0]!.utilities, rules.utilities);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '1,2,3,4,5' },
      seeds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '3000' },
      beliefs: { type: 'string', default: 'declared,shuffled' },
    },
  });
  const kinds = values.beliefs.split(',');
  for (const kind of kinds) if (!beliefs.some((known) => known === kind)) throw new Error(`--beliefs ${kind}`);
  const requests = Number(values.requests);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  for (const world of values.worlds.split(',').map(Number)) {
    if (kinds.includes('declared')) await declared(world, seeds, requests);
    if (kinds.includes('shuffled')) await shuffled(world, seeds, requests);
  }
}

async function declared(world: number, seeds: readonly number[], requests: number): Promise<void> {
  const runs: Harm[] = [];
  for (const seed of seeds) runs.push(await play(world, seed, requests, 'declared'));
  const worst = runs.reduce((least, run) => (run.leastShare < least.leastShare ? run : least));
  reportBar(`world${world}.leastShareOfStaticRules`, worst.leastShare, 'share', '>=', leastShare, {
    worstSeed: seeds[runs.indexOf(worst)],
    atRequest: worst.leastAt,
    perSeed: runs.map((run) => fourDigits(run.leastShare)),
  });
  report(`world${world}.meanUtility`, mean(runs.map((run) => run.meanUtility)), 'utility', {
    requests,
    perSeed: runs.map((run) => fourDigits(run.meanUtility)),
    ofStaticRules: runs.map((run) => fourDigits(run.meanUtility / run.rules)),
  });
}

async function shuffled(world: number, seeds: readonly number[], requests: number): Promise<void> {
  const losses: number[] = [];
  for (const seed of seeds) {
    const none = await play(world, seed, requests, 'none');
    const wrong = await play(world, seed, requests, 'shuffled');
    const from = Math.floor((2 * requests) / 3);
    losses.push(meanBetween(none.utilities, from, requests) - meanBetween(wrong.utilities, from, requests));
  }
  const worst = Math.max(...losses);
  reportBar(`world${world}.lossByShuffledBeliefs`, mean(losses), 'utility', '<=', mostLoss, {
    worst: fourDigits(worst),
    worstSeed: seeds[losses.indexOf(worst)],
    perSeed: losses.map(fourDigits),
    overTheLast: Math.ceil(requests / 3),
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

runCheck(main);
