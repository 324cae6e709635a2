/**
 * The agent alone on two control tasks, one set of settings for both, a line per seed:
 *
 *     node dist/benchmarks/rl.js [--seeds 5] [--seed 1] [--task CartPole-v1]
 *
 * The weights after the last step count: no checkpoint is chosen, no step of the environment spent on choosing.
 */
import { parseArgs } from 'node:util';
import { wasmBackend } from '../lib/adapters/tensor/wasm-backend';
import { createAgent } from '../lib/learning/agent/agent';
import { defaultAgentSettings } from '../lib/learning/agent/settings';
import { seededRandom } from '../lib/random/seeded';
import { report, reportBar, runCheck } from './report-line';
import { createAcrobot } from './rl/acrobot';
import { createCartPole } from './rl/cart-pole';
import type { Environment } from './rl/environment';
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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      task: { type: 'string' },
    },
  });
  await wasmBackend().ready();
  for (const task of tasks) {
    if (values.task !== undefined && task.create().name !== values.task) continue;
    for (let i = 0; i < Number(values.seeds); i++) runTask(task, Number(values.seed) + i);
  }
}

function runTask({ create, steps, bar }: Task, seed: number): void {
  const environment = create();
  const { name, typicalObservation, actions } = environment;
  const settings = defaultAgentSettings(steps);
  const agent = createAgent({ inputs: typicalObservation.length, actions, seed, settings });
  const started = performance.now();
  trainAgent(agent, environment, { steps, discount: settings.discount, random: seededRandom(seed, name, 'training') });
  const seconds = (performance.now() - started) / 1000;
  const mean = greedyReturn(agent, environment, evaluationEpisodes, seededRandom(seed, name, 'evaluation'));
  reportBar(`rl.${name}.${seed}.greedyReturn`, mean, 'return', '>=', bar);
  report(`rl.${name}.${seed}.training`, seconds, 's');
  agent.dispose();
}

runCheck(main);
