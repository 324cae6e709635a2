import type { Environment } from '../../../../lab/studies/rl/environment';
import { greedyReturn, trainAgent } from '../../../../lab/studies/rl/run-agent';
import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { createAgent } from '../../../../lib/learning/rl/agent';
import { defaultAgentSettings } from '../../../../lib/learning/rl/settings';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());

/** A task of two states shown one after the other: pay 1 for naming the one that is shown, three times an episode. */
function echo(): Environment & { steps: number } {
  let shown = 0;
  let left = 3;
  const show = (): Float32Array => Float32Array.of(shown, 1 - shown);
  return {
    name: 'echo',
    typicalObservation: [1, 1],
    actions: 2,
    steps: 0,
    reset(random) {
      shown = random.integer(2);
      left = 3;
      return show();
    },
    step(action) {
      this.steps++;
      const reward = action === shown ? 1 : 0;
      shown = 1 - shown;
      left--;
      return { observation: show(), reward, end: left === 0 ? 'terminal' : 'none' };
    },
  };
}

test('spends exactly the steps it may, learns, and is judged by whole greedy episodes', () => {
  const settings = { ...defaultAgentSettings(600), hidden: 8, warmUpSteps: 50, learningRate: 1e-2 };
  const agent = createAgent({ inputs: 2, actions: 2, seed: 1, settings });
  const environment = echo();
  trainAgent(agent, environment, { steps: 601, rewardScale: 1 - settings.discount, random: seededRandom(1) });
  expect([environment.steps, agent.steps]).toEqual([601, 601]);
  expect(greedyReturn(agent, environment, 10, seededRandom(2))).toBe(3);
  expect(agent.steps).toBe(601);
  agent.dispose();
});
