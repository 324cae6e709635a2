/**
 * Acrobot: swing the tip of a two-link pendulum above a line by torque at its middle joint. Equations and Runge-Kutta
 * integration from Sutton 1996 as in Sutton and Barto's book, constants and limits of Gymnasium's Acrobot-v1.
 */
import type { Environment } from './environment';

/** m/s^2 */
const gravity = 9.8;
/** Links are alike: length m, mass kg, centre of mass m from the joint, moment of inertia kg m^2. */
const length = 1;
const mass = 1;
const centre = 0.5;
const inertia = 1;
/** N m, by action. */
const torques = [-1, 0, 1];
/** s */
const timeStep = 0.2;
/** rad/s */
const spinLimits = [4 * Math.PI, 9 * Math.PI] as const;
/** The tip has to get this far above the upper joint, m. */
const goalHeight = 1;
/** Steps after which an episode is cut off. */
const stepLimit = 500;
/** Each component of a start state is uniform in +- this. */
const startSpread = 0.1;

/** Angle of the first link from hanging down, of the second from the first, rad; their speeds, rad/s. */
export type AcrobotState = readonly [number, number, number, number];

/** Time derivative of the state under a torque. */
function acrobotDerivative([angle1, angle2, spin1, spin2]: AcrobotState, torque: number): AcrobotState {
  const d1 =
    mass * centre ** 2 + mass * (length ** 2 + centre ** 2 + 2 * length * centre * Math.cos(angle2)) + 2 * inertia;
  const d2 = mass * (centre ** 2 + length * centre * Math.cos(angle2)) + inertia;
  const phi2 = mass * centre * gravity * Math.cos(angle1 + angle2 - Math.PI / 2);
  const phi1 =
    -mass * length * centre * spin2 ** 2 * Math.sin(angle2) -
    2 * mass * length * centre * spin2 * spin1 * Math.sin(angle2) +
    (mass * centre + mass * length) * gravity * Math.cos(angle1 - Math.PI / 2) +
    phi2;
  const rate2 =
    (torque + (d2 / d1) * phi1 - mass * length * centre * spin1 ** 2 * Math.sin(angle2) - phi2) /
    (mass * centre ** 2 + inertia - d2 ** 2 / d1);
  return [spin1, spin2, -(d2 * rate2 + phi1) / d1, rate2];
}

/** One Runge-Kutta step of fourth order over `seconds`, without limits. */
export function integrateAcrobot(state: AcrobotState, torque: number, seconds: number): AcrobotState {
  const along = (slope: AcrobotState, share: number): AcrobotState =>
    state.map((value, i) => value + share * seconds * slope[i]!) as unknown as AcrobotState;
  const k1 = acrobotDerivative(state, torque);
  const k2 = acrobotDerivative(along(k1, 0.5), torque);
  const k3 = acrobotDerivative(along(k2, 0.5), torque);
  const k4 = acrobotDerivative(along(k3, 1), torque);
  return along(k1.map((_, i) => (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!) / 6) as unknown as AcrobotState, 1);
}

/** The next state: angles wrapped to +-pi, speeds within their limits. */
export function acrobotStep(state: AcrobotState, action: number): AcrobotState {
  const [angle1, angle2, spin1, spin2] = integrateAcrobot(state, torques[action]!, timeStep);
  return [wrap(angle1), wrap(angle2), bound(spin1, spinLimits[0]), bound(spin2, spinLimits[1])];
}

export function hasSwungUp([angle1, angle2]: AcrobotState): boolean {
  return -Math.cos(angle1) - Math.cos(angle2 + angle1) > goalHeight;
}

function wrap(angle: number): number {
  let wrapped = angle;
  while (wrapped > Math.PI) wrapped -= 2 * Math.PI;
  while (wrapped < -Math.PI) wrapped += 2 * Math.PI;
  return wrapped;
}

function bound(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}

function observationOf([angle1, angle2, spin1, spin2]: AcrobotState): Float32Array {
  return Float32Array.of(Math.cos(angle1), Math.sin(angle1), Math.cos(angle2), Math.sin(angle2), spin1, spin2);
}

export function createAcrobot(): Environment {
  let state: AcrobotState = [0, 0, 0, 0];
  let steps = 0;
  return {
    name: 'Acrobot-v1',
    typicalObservation: [1, 1, 1, 1, 4, 9],
    actions: 3,
    reset(random) {
      const start = (): number => startSpread * (2 * random.next() - 1);
      state = [start(), start(), start(), start()];
      steps = 0;
      return observationOf(state);
    },
    step(action) {
      state = acrobotStep(state, action);
      steps++;
      const done = hasSwungUp(state);
      const end = done ? 'terminal' : steps >= stepLimit ? 'truncated' : 'none';
      return { observation: observationOf(state), reward: done ? 0 : -1, end };
    },
  };
}
