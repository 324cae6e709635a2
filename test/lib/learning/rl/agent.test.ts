import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { type Agent, createAgent } from '../../../../lib/learning/rl/agent';
import { constant } from '../../../../lib/learning/rl/schedule';
import { type AgentSettings, defaultAgentSettings } from '../../../../lib/learning/rl/settings';
import type { TrainingStep } from '../../../../lib/learning/rl/training-step';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());

const rooms = 5;
const room = (place: number): Float32Array => Float32Array.from({ length: rooms }, (_, i) => (i === place ? 1 : 0));

const settings: AgentSettings = {
  ...defaultAgentSettings(2000),
  hidden: 16,
  discount: 0.8,
  warmUpSteps: 100,
  stepsPerRound: 1,
  batchRows: 32,
  learningRate: 5e-3,
  huberDelta: 1,
  replayRows: 1000,
  exploration: constant(0.5),
  targetUpdate: { kind: 'polyak', share: 0.02 },
};
const newAgent = (overrides: Partial<AgentSettings> = {}, seed = 1): Agent =>
  createAgent({ inputs: rooms, actions: 2, seed, settings: { ...settings, ...overrides } });

/** A corridor of five rooms: action 1 goes right, 0 left; the last room pays 1 and ends the episode. */
function walk(agent: Agent, steps: number): TrainingStep | null {
  let place = 0;
  let last: TrainingStep | null = null;
  for (let i = 0; i < steps; i++) {
    const action = agent.act(room(place));
    const next = Math.max(0, Math.min(rooms - 1, place + (action === 1 ? 1 : -1)));
    const over = next === rooms - 1;
    const experience = { features: room(place), action, reward: over ? 1 : 0, next: room(next), nextAllowed: null };
    last = agent.observe({ ...experience, end: over ? 'terminal' : 'none' }) ?? last;
    place = over ? 0 : next;
  }
  return last;
}
const valuesOf = (agent: Agent, place: number): number[] => [...agent.trainer.predict(room(place), 1)];

test.each([
  ['single steps, hard copies', { returnSteps: 1, targetUpdate: { kind: 'copy', everySteps: 50 } }],
  ['three steps, Polyak', {}],
  ['prioritised replay', { replay: 'prioritized' }],
  ['bootstrap heads, no other exploration', { heads: 5, exploration: constant(0) }],
] as [string, Partial<AgentSettings>][])('finds its way and what each room is worth: %s', (_, overrides) => {
  const agent = newAgent(overrides);
  walk(agent, 800);
  const { heads } = agent.trainer.shape;
  for (let place = 0; place < rooms - 1; place++) {
    expect(agent.greedy(room(place))).toBe(1);
    // One reward of 1 at the end: right is worth .8 per further step, on the mean of the heads.
    const right = valuesOf(agent, place).slice(heads);
    expect(right.reduce((sum, value) => sum + value / heads, 0)).toBeCloseTo(0.8 ** (rooms - 2 - place), 0);
  }
  agent.dispose();
});

test('the same seed gives the same weights to the bit; another seed others', () => {
  const run = (seed: number): Float32Array => {
    const agent = newAgent({ replay: 'prioritized', heads: 3 }, seed);
    walk(agent, 300);
    const weights = agent.trainer.parameters.slice();
    agent.dispose();
    return weights;
  };
  const [a, b, c] = [run(1), run(1), run(2)];
  expect(Buffer.from(a.buffer).equals(Buffer.from(b.buffer))).toBe(true);
  expect(Buffer.from(a.buffer).equals(Buffer.from(c.buffer))).toBe(false);
});

/** One state, one action, reward 1 a step: what it is worth says how the end of an episode was read. */
function valueOfStaying(end: 'terminal' | 'truncated', overrides: Partial<AgentSettings> = {}): number {
  const agent = createAgent({ inputs: 1, actions: 1, seed: 1, settings: { ...settings, ...overrides } });
  const here = Float32Array.of(1);
  const experience = { features: here, action: 0, reward: 1, next: here, nextAllowed: null };
  for (let i = 0; i < 700; i++) agent.observe({ ...experience, end: i % 2 === 0 ? 'none' : end });
  const value = agent.trainer.predict(here, 1)[0]!;
  agent.dispose();
  return value;
}

test('an episode that is over is worth nothing more; one that was cut off is worth what would have come', () => {
  expect(valueOfStaying('terminal')).toBeLessThan(2);
  expect(valueOfStaying('truncated')).toBeCloseTo(1 / (1 - 0.8), 0);
});

test('with centred rewards a world without end is worth its differences, not its mean', () => {
  expect(valueOfStaying('truncated', { centreRewards: true })).toBeCloseTo(0, 1);
});

test('trains from the end of the warm-up, every so many steps', () => {
  const agent = newAgent({ warmUpSteps: 10, stepsPerRound: 4, gradientSteps: 3 });
  walk(agent, 11);
  expect(agent.trainer.optimizer().steps).toBe(0);
  expect(walk(agent, 1)).toMatchObject({ loss: expect.any(Number), gradientNorm: expect.any(Number) });
  expect(agent.trainer.optimizer().steps).toBe(3);
  expect([walk(agent, 3), agent.steps]).toEqual([null, 15]);
  agent.dispose();
});

test('recorded transitions are learned from like its own; without discount it is a bandit', () => {
  const agent = newAgent({ rateFactor: constant(1) });
  for (let number = 0; number < 100; number++) {
    const action = number % 2;
    const row = { features: room(0), action, reward: action, rewardWeight: 1, next: null, nextAllowed: null };
    agent.remember({ ...row, discount: 0, number });
  }
  for (let i = 0; i < 300; i++) agent.learn();
  expect(valuesOf(agent, 0)[0]).toBeCloseTo(0, 1);
  expect(valuesOf(agent, 0)[1]).toBeCloseTo(1, 1);
  agent.dispose();
});

test('explores as scheduled, and only what is allowed', () => {
  const agent = newAgent({ exploration: constant(1) });
  const drawn = Array.from({ length: 200 }, () => agent.act(room(0)));
  expect(drawn.filter((action) => action === 1).length).toBeGreaterThan(70);
  expect(drawn.filter((action) => action === 0).length).toBeGreaterThan(70);
  const only = Uint8Array.of(0, 1);
  expect(Array.from({ length: 20 }, () => agent.act(room(0), only))).toEqual(new Array(20).fill(1));
  expect(agent.greedy(room(0), only)).toBe(1);
  const none = Uint8Array.of(0, 0);
  expect(() => agent.act(room(0), none)).toThrow('no action is allowed: allow at least one, or end the episode');
  expect(() => agent.greedy(room(0), none)).toThrow('no action is allowed');
  agent.dispose();
});

test.each([
  ['goes back to the weights with which its episodes were better', true, 1],
  ['keeps to the newest weights where it is told to', false, 0],
] as const)('what is unlearned late: %s', (_, goesBack, action) => {
  // It trains by `learn` alone.
  const agent = newAgent({ goesBack, stepsPerRound: 1_000_000, exploration: constant(0.1), rateFactor: constant(1) });
  const learnThatPays = (paying: number): void => {
    for (let number = 0; number < settings.replayRows; number++) {
      const reward = number % 2 === paying ? 1 : 0;
      const row = { features: room(0), action: number % 2, reward, rewardWeight: 1, next: null, nextAllowed: null };
      agent.remember({ ...row, discount: 0, number });
    }
    for (let i = 0; i < 300; i++) agent.learn();
  };
  const play = (): void => {
    for (let i = 0; i < 20; i++) {
      const chosen = agent.act(room(0));
      agent.observe({
        features: room(0),
        action: chosen,
        reward: chosen,
        next: room(0),
        nextAllowed: null,
        end: 'terminal',
      });
    }
  };
  learnThatPays(1);
  play();
  expect(agent.greedy(room(0))).toBe(1);
  learnThatPays(0);
  play();
  expect(agent.greedy(room(0))).toBe(action);
  agent.dispose();
});

test('actions come and go: what was learned of the rest stays, and learning goes on', () => {
  const agent = newAgent();
  walk(agent, 1000);
  const [left, right] = valuesOf(agent, 2);
  agent.changeActions([1, -1]); // going left is gone, something new has come
  const after = valuesOf(agent, 2);
  expect(after[0]).toBe(right);
  expect(after[1]).toBeCloseTo((left! + right!) / 2, 5);
  // The new action leads straight to the end from everywhere.
  const random = seededRandom(5);
  for (let i = 0; i < 600; i++) {
    const place = random.integer(rooms - 1);
    const action = agent.act(room(place));
    const next = action === 1 ? rooms - 1 : place + 1;
    const over = next === rooms - 1;
    const experience = { features: room(place), action, reward: over ? 1 : 0, next: room(next), nextAllowed: null };
    agent.observe({ ...experience, end: over ? 'terminal' : 'truncated' });
  }
  expect(agent.greedy(room(0))).toBe(1);
  agent.dispose();
});

test('what was not allowed stays so under new numbers; rows of a retired action are forgotten', () => {
  const agent = newAgent({ batchRows: 4 });
  const row = { features: room(0), reward: 0, rewardWeight: 1, next: room(1), discount: 0.8 };
  agent.remember({ ...row, action: 1, nextAllowed: Uint8Array.of(0, 1), number: 0 });
  agent.remember({ ...row, action: 0, nextAllowed: null, number: 1 });
  agent.changeActions([1]);
  // Only the row of the remaining action is left; its next state allows that action.
  const before = agent.trainer.predict(room(1), 1, 'target')[0]!;
  const value = agent.trainer.predict(room(0), 1)[0]!;
  const { loss } = agent.learn();
  expect(loss).toBeCloseTo((0.8 * before - value) ** 2 / 2, 5);
  agent.dispose();
});
