/**
 * What it costs that weights come late: simulated worlds on the virtual clock, where folding takes as long as it does on a core of its own.
 * Live runs at such a rate say more of what else the machine does; here the same seed gives the same figures everywhere.
 *
 *     node dist/lab/studies/late-fold.js [--worlds 1,2,3] [--seeds 1] [--requests 4000] [--rate 1000] [--slowness 1]
 *
 * `--slowness 2`: a core half as fast; 0: folding takes no time.
 */
import { parseArgs } from 'node:util';
import type { Clock } from '../../lib/ports/clock';
import { createFold } from '../../services/dqn-trainer/fold/create-fold';
import type { StartFold, TrainerFold, Tried } from '../../services/dqn-trainer/fold/fold';
import type { FoldBatch } from '../../services/dqn-trainer/fold/fold-settings';
import { report, runCheck } from '../report/report-line';
import { simulatedWorld } from '../workloads/simulated-world';
import { playWorld } from './play-world';

/** Processor time in milliseconds, ten models, the first thousands of rewards. Half of learning a reward are gradient steps. */
const costMs = { event: 0.1, reward: 0.9, policy: 6, refit: 60, refitReward: 0.05 };

interface Counts {
  policies: number;
  refits: number;
}

function costOf(batch: FoldBatch, { outputs, pace }: Tried, counts: Counts): number {
  const { steps, rewards } = pace ?? { steps: 1, rewards: 1 };
  let cost = 0;
  for (const output of outputs) {
    if (output.kind !== 'policy') continue;
    counts.policies++;
    cost += costMs.policy;
    if (output.basis === null) continue;
    counts.refits++;
    cost += costMs.refit + costMs.refitReward * output.published.learnedRewards;
  }
  for (const { event } of batch) {
    cost += costMs.event;
    if (event.kind !== 'CLOSED' && !event.pace) cost += costMs.reward * rewards * (0.5 + 0.5 * steps);
  }
  return cost;
}

/** A fold in the calling thread whose results are there once they would have been worked out. */
function lateFold(clock: Clock, slowness: number, counts: Counts): StartFold {
  return async (settings, saved) => {
    const fold = await createFold('inline')(settings, saved);
    let free: Promise<unknown> = Promise.resolve();
    const apply = async (batch: FoldBatch): Promise<Tried> => {
      const tried = await fold.apply(batch);
      const threadMs = slowness * costOf(batch, tried, counts);
      if (threadMs > 0) await new Promise<void>((resolve) => clock.setTimer(threadMs, resolve));
      return { ...tried, threadMs };
    };
    const late: TrainerFold = {
      eventOffset: fold.eventOffset,
      replayFromOffset: fold.replayFromOffset,
      reload: (batch) => fold.reload(batch),
      // One portion after the other, as a thread of its own takes them.
      apply: (batch) => {
        const next = free.then(() => apply(batch));
        free = next.catch(() => undefined);
        return next;
      },
      checkpoint: () => free.then(() => fold.checkpoint()),
      close: () => fold.close(),
      tryCandidate: (setup) => fold.tryCandidate(setup),
      addEvidence: (batch) => fold.addEvidence(batch),
      judge: () => fold.judge(),
    };
    return late;
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '1,2,3' },
      seeds: { type: 'string', default: '1' },
      requests: { type: 'string', default: '4000' },
      rate: { type: 'string', default: '1000' },
      slowness: { type: 'string', default: '1' },
    },
  });
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  for (const world of values.worlds.split(',').map(Number)) {
    for (const seed of seeds) {
      const counts: Counts = { policies: 0, refits: 0 };
      const workload = simulatedWorld({ world, rows: Number(values.requests), seed });
      const { policies } = await playWorld(workload, seed, (text) => process.stderr.write(text), {
        ratePerSecond: Number(values.rate),
        trainerOn: (clock) => lateFold(clock, Number(values.slowness), counts),
      });
      const staticRules = policies.find(({ name }) => name.startsWith('static'))!.meanUtility;
      report(`lateFold.world${world}.meanUtility`, policies[0]!.meanUtility, 'utility', {
        seed,
        staticRules,
        ...counts,
      });
    }
  }
}

runCheck(main);
