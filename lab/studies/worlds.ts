/**
 * What the engine is worth in simulated worlds 1 to 5, beside every baseline on the same requests: the workload of
 * `make run` on a virtual clock, so that the figures are the same on every machine.
 *
 *     node dist/lab/studies/worlds.js [--worlds 1,2,3,4,5] [--requests 10000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import type { PolicyResult } from '../policies/baselines';
import { pairedDifference } from '../report/paired-difference';
import { riseOf } from '../report/report';
import { report, reportBar, runCheck } from '../report/report-line';
import { defaultRunRequests } from '../runs/run';
import { simulatedWorld } from '../workloads/simulated-world';
import { playWorld } from './play-world';

/** The engine must be worth this much more than hand-written rules and than chance. */
const leastGain = 0.25;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '1,2,3,4,5' },
      requests: { type: 'string', default: String(defaultRunRequests) },
      seed: { type: 'string', default: '1' },
    },
  });
  for (const world of values.worlds.split(',').map(Number)) {
    const seed = Number(values.seed);
    const workload = simulatedWorld({ world, rows: Number(values.requests), seed });
    const [engine, ...baselines] = (await playWorld(workload, seed, (text) => process.stderr.write(text))).policies;
    const find = (name: string): PolicyResult => baselines.find((policy) => policy.name.startsWith(name))!;
    const name = (what: string): string => `world${world}.${what}`;
    report(name('meanUtility'), engine!.meanUtility, 'utility');
    for (const policy of baselines) report(name(policy.name.replaceAll(' ', '-')), policy.meanUtility, 'utility');
    reportBar(
      name('gainOverStaticRules'),
      engine!.meanUtility / find('static').meanUtility - 1,
      'share',
      '>=',
      leastGain,
    );
    reportBar(name('gainOverRandom'), engine!.meanUtility / find('uniform').meanUtility - 1, 'share', '>=', leastGain);
    const difference = pairedDifference(engine!.utilities, find('Thompson').utilities);
    reportBar(name('pairedGainOverThompsonLow95'), difference.low, 'utility', '>=', 0);
    report(name('riseFirstToLastTenth'), riseOf(engine!.utilities).rise, 'utility');
  }
}

runCheck(main);
