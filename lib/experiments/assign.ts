/**
 * Which arm of an experiment a unit is in: a pure function of hashes, so a unit stays where it is, on every machine, and units that
 * join when the experiment grows change nobody else's arm.
 */
import { createHash } from 'node:crypto';

export interface Arm {
  readonly name: string;
  /** Relative to the other arms; above 0. */
  readonly weight: number;
}

export interface Assignable {
  readonly name: string;
  /** Experiments of one layer never share a unit; those of different layers are independent of one another. */
  readonly layer: string;
  /** The part of the layer that is the experiment's: [from, to) of 0..1. */
  readonly from: number;
  readonly to: number;
  /** Share of that part that takes part now, 0..1: those of a smaller share stay when it grows. */
  readonly rollout: number;
  /** The first is the control. */
  readonly arms: readonly Arm[];
}

/** Index of the arm; null for a unit that does not take part. */
export function assign(experiment: Assignable, unit: string): number | null {
  const { name, layer, from, to, rollout, arms } = experiment;
  const inLayer = pointOf(`layer/${layer}`, unit);
  if (inLayer < from || inLayer >= to) return null;
  if (pointOf(`rollout/${name}`, unit) >= rollout) return null;
  const shares = sharesOf(arms);
  const point = pointOf(`arm/${name}`, unit);
  let reached = 0;
  for (const [arm, share] of shares.entries()) {
    reached += share;
    if (point < reached) return arm;
  }
  return arms.length - 1;
}

/** Probabilities of the arms; they sum to 1. */
export function sharesOf(arms: readonly Arm[]): number[] {
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  return arms.map(({ weight }) => weight / total);
}

/** Uniform in [0, 1), independent for different purposes. The length keeps two pairs of texts from reading alike. */
function pointOf(purpose: string, unit: string): number {
  const digest = createHash('sha256').update(`${purpose.length}/${purpose}/${unit}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}
