/**
 * CartPole: balance a pole on a cart by pushing left or right. Equations from Barto, Sutton and Anderson 1983 (without
 * friction, corrected as by Florian 2007), constants and limits of Gymnasium's CartPole-v1.
 */
import type { Environment } from './environment';

/** m/s^2 */
const gravity = 9.8;
/** kg */
const cartMass = 1;
const poleMass = 0.1;
const totalMass = cartMass + poleMass;
/** Half the pole's length, m: its centre of mass. */
const poleLength = 0.5;
/** N, to either side. */
const force = 10;
/** s */
const timeStep = 0.02;
/** Beyond these the episode is over: m from the middle, radians from upright (12 degrees). */
const positionLimit = 2.4;
const angleLimit = (12 * 2 * Math.PI) / 360;
/** Steps after which an episode is cut off. */
const stepLimit = 500;
/** Each component of a start state is uniform in +- this. */
const startSpread = 0.05;

/** Position m, velocity m/s, angle rad, angular velocity rad/s. */
export type CartPoleState = readonly [number, number, number, number];

/** One Euler step. `action` 0 pushes left, 1 right. */
export function cartPoleStep([x, velocity, angle, spin]: CartPoleState, action: number): CartPoleState {
  const push = action === 1 ? force : -force;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const common = (push + poleMass * poleLength * spin ** 2 * sine) / totalMass;
  const spinRate = (gravity * sine - cosine * common) / (poleLength * (4 / 3 - (poleMass * cosine ** 2) / totalMass));
  const acceleration = common - (poleMass * poleLength * spinRate * cosine) / totalMass;
  return [
    x + timeStep * velocity,
    velocity + timeStep * acceleration,
    angle + timeStep * spin,
    spin + timeStep * spinRate,
  ];
}

export function hasFallen([x, , angle]: CartPoleState): boolean {
  return Math.abs(x) > positionLimit || Math.abs(angle) > angleLimit;
}

export function createCartPole(): Environment {
  let state: CartPoleState = [0, 0, 0, 0];
  let steps = 0;
  return {
    name: 'CartPole-v1',
    typicalObservation: [positionLimit, 2, angleLimit, 2],
    actions: 2,
    reset(random) {
      const start = (): number => startSpread * (2 * random.next() - 1);
      state = [start(), start(), start(), start()];
      steps = 0;
      return Float32Array.from(state);
    },
    step(action) {
      state = cartPoleStep(state, action);
      steps++;
      const end = hasFallen(state) ? 'terminal' : steps >= stepLimit ? 'truncated' : 'none';
      return { observation: Float32Array.from(state), reward: 1, end };
    },
  };
}
