import { type CartPoleState, cartPoleStep, createCartPole, hasFallen } from '../../../../lab/studies/rl/cart-pole';
import { seededRandom } from '../../../../lib/random/seeded';

const near = (state: CartPoleState, expected: readonly number[]): void => {
  state.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 12);
  });
};

test('a push to the right, by hand', () => {
  // At rest: common = 10 / 1.1; spin rate = -common / (.5 (4/3 - .1 / 1.1)) = -14.634146; acceleration = 9.756098.
  near(cartPoleStep([0, 0, 0, 0], 1), [0, 0.19512195121951, 0, -0.29268292682927]);
});

test("a push to the left from a moving state, as Gymnasium's own code gives it", () => {
  near(cartPoleStep([0.5, -0.3, 0.1, 0.7], 0), [0.494, -0.49635563387006576, 0.114, 1.022413034858951]);
});

test('left and right are mirror images', () => {
  const state: CartPoleState = [0.3, -0.2, 0.05, 0.4];
  const mirrored = state.map((value) => -value) as unknown as CartPoleState;
  near(
    cartPoleStep(mirrored, 0),
    cartPoleStep(state, 1).map((value) => -value),
  );
});

test('falls beyond 2.4 m or 12 degrees', () => {
  expect([2.4, -2.4].map((x) => hasFallen([x, 0, 0, 0]))).toEqual([false, false]);
  expect([2.41, -2.41].map((x) => hasFallen([x, 0, 0, 0]))).toEqual([true, true]);
  const degrees = Math.PI / 180;
  expect([11.9, -11.9].map((angle) => hasFallen([0, 0, angle * degrees, 0]))).toEqual([false, false]);
  expect([12.1, -12.1].map((angle) => hasFallen([0, 0, angle * degrees, 0]))).toEqual([true, true]);
});

test('pays 1 a step, also for the last; without control the pole falls soon', () => {
  const environment = createCartPole();
  environment.reset(seededRandom(1));
  let steps = 1;
  for (let last = environment.step(1); last.end === 'none'; last = environment.step(1)) {
    expect(last.reward).toBe(1);
    steps++;
  }
  // Pushing one way all the time drops it after 8 to 10 steps.
  expect(steps).toBeGreaterThanOrEqual(8);
  expect(steps).toBeLessThanOrEqual(11);
});

test('an episode that holds is cut off after 500 steps, and is not over', () => {
  const environment = createCartPole();
  let [x, velocity, angle, spin] = environment.reset(seededRandom(1));
  for (let step = 1; step <= 500; step++) {
    // A linear controller that holds the pole and brings the cart home.
    const push = angle! + 0.3 * spin! + 0.03 * x! + 0.06 * velocity! > 0 ? 1 : 0;
    const { observation, reward, end } = environment.step(push);
    expect([reward, end]).toEqual([1, step === 500 ? 'truncated' : 'none']);
    [x, velocity, angle, spin] = observation;
  }
});

test('starts within .05 of rest, each time elsewhere, the same for the same seed', () => {
  const starts = (seed: number): number[][] => {
    const [environment, random] = [createCartPole(), seededRandom(seed)];
    return Array.from({ length: 200 }, () => [...environment.reset(random)]);
  };
  const values = starts(1).flat();
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.05);
  expect(Math.max(...values)).toBeGreaterThan(0.045);
  expect(Math.min(...values)).toBeLessThan(-0.045);
  expect(starts(1)).toEqual(starts(1));
  expect(starts(1)).not.toEqual(starts(2));
});
