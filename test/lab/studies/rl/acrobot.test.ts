import {
  type AcrobotState,
  acrobotStep,
  createAcrobot,
  hasSwungUp,
  integrateAcrobot,
} from '../../../../lab/studies/rl/acrobot';
import { seededRandom } from '../../../../lib/random/seeded';

/** Kinetic and potential energy, J: masses 1 kg at .5 m from their joints, inertia 1 kg m^2, links of 1 m. */
function energy([angle1, angle2, spin1, spin2]: AcrobotState): number {
  const total = spin1 + spin2;
  const kinetic =
    0.5 * 0.25 * spin1 ** 2 +
    0.5 * (spin1 ** 2 + 0.25 * total ** 2 + spin1 * total * Math.cos(angle2)) +
    0.5 * spin1 ** 2 +
    0.5 * total ** 2;
  return kinetic - 9.8 * (1.5 * Math.cos(angle1) + 0.5 * Math.cos(angle1 + angle2));
}

/** How much energy ten seconds without torque gain or lose, J. */
function energyError(seconds: number): number {
  let state: AcrobotState = [1.2, -0.7, 0.5, 1];
  const before = energy(state);
  let worst = 0;
  for (let time = 0; time < 10; time += seconds) {
    state = integrateAcrobot(state, 0, seconds);
    worst = Math.max(worst, Math.abs(energy(state) - before));
  }
  return worst;
}

test('without torque energy is kept: to rounding at small steps, with an error of fourth order', () => {
  expect(energyError(0.001)).toBeLessThan(1e-8);
  // Halving the step of a method of fourth order divides the error of energy by 16 or more.
  const ratio = energyError(0.02) / energyError(0.01);
  expect(ratio).toBeGreaterThan(12);
});

test('torque does work: energy changes by torque times the angle it moves through', () => {
  let state: AcrobotState = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i++) state = integrateAcrobot(state, 1, 0.001);
  expect(energy(state) - energy([0, 0, 0, 0])).toBeCloseTo(state[1], 8);
});

test("steps, as Gymnasium's own expressions give them", () => {
  const near = (state: AcrobotState, expected: readonly number[]): void => {
    state.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  };
  near(
    acrobotStep([0.05, -0.03, 0.1, -0.08], 2),
    [0.0491883686466316, -0.0028342979652319425, -0.10682319057086312, 0.3463226066014583],
  );
  near(acrobotStep([2, 1, 3, -2], 0), [2.5116673543442447, 0.6427830731627244, 2.174490105099276, -1.546225101547089]);
});

test('hanging still is at rest; angles are wrapped, speeds bounded', () => {
  expect(acrobotStep([0, 0, 0, 0], 1).map((value) => Math.abs(value) < 1e-12)).toEqual([true, true, true, true]);
  const [angle1, angle2, spin1, spin2] = acrobotStep([3, -3, 40, -40], 1);
  for (const angle of [angle1, angle2]) expect(Math.abs(angle)).toBeLessThanOrEqual(Math.PI);
  expect(Math.abs(spin1)).toBeLessThanOrEqual(4 * Math.PI);
  expect(Math.abs(spin2)).toBeLessThanOrEqual(9 * Math.PI);
});

test('swung up is when the tip is a link above the upper joint', () => {
  expect(hasSwungUp([0, 0, 0, 0])).toBe(false);
  expect(hasSwungUp([Math.PI, 0, 0, 0])).toBe(true);
  // Upper link level, lower one straight up: exactly at the line.
  expect(hasSwungUp([Math.PI / 2, Math.PI / 2, 0, 0])).toBe(false);
  expect(hasSwungUp([Math.PI / 2 + 0.01, Math.PI / 2, 0, 0])).toBe(true);
});

test('pays -1 a step and 0 for the last; doing nothing is cut off after 500', () => {
  const environment = createAcrobot();
  environment.reset(seededRandom(1));
  for (let step = 1; step <= 500; step++) {
    const { reward, end } = environment.step(1);
    expect([reward, end]).toEqual([-1, step === 500 ? 'truncated' : 'none']);
  }
});

test('pumping in time with the joint swings it up', () => {
  const environment = createAcrobot();
  let observation = environment.reset(seededRandom(1));
  for (let step = 1; ; step++) {
    expect(step).toBeLessThan(500);
    // Torque along the first link's motion feeds energy in.
    const result = environment.step(observation[4]! > 0 ? 0 : 2);
    observation = result.observation;
    if (result.end !== 'none') {
      expect([result.reward, result.end]).toEqual([0, 'terminal']);
      expect(observation[0]! ** 2 + observation[1]! ** 2).toBeCloseTo(1, 6);
      break;
    }
  }
});

test('starts within .1 of hanging still', () => {
  const [environment, random] = [createAcrobot(), seededRandom(1)];
  const starts = Array.from({ length: 200 }, () => environment.reset(random));
  const angles = starts.map((observation) => Math.atan2(observation[1]!, observation[0]!));
  expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(0.1001);
  expect(Math.max(...angles)).toBeGreaterThan(0.09);
  expect(Math.max(...starts.map((observation) => Math.abs(observation[5]!)))).toBeLessThanOrEqual(0.1001);
});
