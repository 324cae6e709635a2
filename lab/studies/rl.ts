/**
 * The agent alone on two control tasks and on sessions of recorded requests, one set of settings for all, a line per seed:
 *
 *     node dist/lab/studies/rl.js [--seeds 5] [--seed 1] [--only CartPole-v1|Acrobot-v1|sessions] [--data ../shared/data]
 *
 * What the agent acts by after the last step counts: no step of the environment is spent on choosing weights.
 */
import { parseArgs } from 'node:util';
import { wasmBackend } from '../../lib/adapters/tensor/wasm-backend';
import { createAgent } from '../../lib/learning/rl/agent';
import { defaultAgentSettings } from '../../lib/learning/rl/settings';
import { seededRandom } from '../../lib/random/seeded';
import { report, reportBar, runCheck } from '../report/report-line';
import { createAcrobot } from './rl/acrobot';
import { createCartPole } from './rl/cart-pole';
import type { Environment } from './rl/environment';
import { reportSessions } from './rl/report-sessions';
import { greedyReturn, trainAgent } from './rl/run-agent';

interface Task {
  readonly create: () => Environment;
  /** Steps of the environment to learn from. */
  readonly steps: number;
  /** Least mean return of the greedy episodes. */
  readonly bar: number;
}

const tasks: readonly Task[] = [
  { create: createCartPole, steps: 50_000, bar: 475 },
  { create: createAcrobot, steps: 100_000, bar: -92 },
];
const evaluationEpisodes = 100;
const sessions = 'sessions';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      data: { type: 'string', default: '../shared/data' },
    },
  });
  const names = [...tasks.map(({ create }) => create().name), sessions];
  const { only } = values;
  if (only !== undefined && !names.includes(only)) throw new Error(`--only: one of ${names.join(', ')}, not ${only}`);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.seed) + i);
  await wasmBackend().ready();
  for (const task of tasks) {
    if (only !== undefined && task.create().name !== only) continue;
    for (const seed of seeds) runTask(task, seed);
  }
  if (only === undefined || only === sessions) await reportSessions({ folder: values.data, seeds });
}

function runTask({ create, steps, bar }: Task, seed: number): void {
  const environment = create();
  const { name, typicalObservation, actions } = environment;
  const settings = defaultAgentSettings(steps);
  const agent = createAgent({ inputs: typicalObservation.length, actions, seed, settings });
  const started = performance.now();
  // With rewards up to 1 values are at most 1 / (1 - discount).
  const rewardScale = 1 - settings.discount;
  trainAgent(agent, environment, { steps, rewardScale, random: seededRandom(seed, name, 'training') });
  const seconds = (performance.now() - started) / 1000;
  const mean = greedyReturn(agent, environment, evaluationEpisodes, seededRandom(seed, name, 'evaluation'));
  reportBar(`rl.${name}.${seed}.greedyReturn`, mean, 'return', '>=', bar);
  report(`rl.${name}.${seed}.training`, seconds, 's');
  agent.dispose();
}

runCheck(main);
