/**
 * Brings a broken learner back without leaving the fold, so that the same events repair it in the same way again: the linear
 * half is made anew from the replay, the network goes back to the policy in force, and so do the mixture weight and the
 * drift offsets, which have been fed with what the broken halves said.
 */
import { createDrift } from '../fold/drift';
import type { FoldParts } from '../fold/learner-state';
import { rebuild } from '../fold/refit';
import type { LinearHalf } from '../value/linear-half';
import { createMix } from '../value/mix';
import {
  createNeuralHalf,
  type NeuralHalf,
  neuralShape,
  rearrangeModels,
  restoreNeuralHalf,
} from '../value/neural-half';
import { readPolicy } from '../value/policy';
import { type Broken, createBroken } from './broken';
import { assertSound } from './soundness';

/** Repairs what was found broken since the last call. Throws when that does not help. */
export function repairBroken(fold: FoldParts): void {
  const { broken } = fold.scratch;
  if (!broken.linear && !broken.network) return;
  const halves = [broken.linear ? 'the linear half' : [], broken.network ? 'the network' : []].flat().join(' and ');
  repairHalves(fold, broken, `${halves} said the impossible (not finite, or ten reward ranges away)`);
}

/** Replaces the halves named and goes back to the mixture and the drift that were in force with the last policy. */
export function repairHalves(fold: FoldParts, halves: Broken, why: string): void {
  const { state, scratch } = fold;
  const { guard } = state;
  assertSound(fold, ['mix', 'drifts']);
  guard.repairs++;
  guard.untold.push(why);
  scratch.broken = createBroken();
  goBack(fold);
  if (halves.network && state.neural) state.neural = networkInForce(fold, state.neural);
  if (halves.linear && state.linear && state.basis) {
    state.linear = rebuild(fold, state.basis.fitted);
    state.offsetAtRefit = state.toOffset;
  }
  assertFinite(state.linear, state.neural);
  assertSound(fold);
}

/** Mixture and drift as they were with the last good policy. */
function goBack({ state }: FoldParts): void {
  const { good } = state.guard;
  state.mix = good ? { ...good.mix } : createMix();
  state.drifts = state.models.map((model) => {
    const drift = good?.drifts.get(model);
    if (!good || !drift) return createDrift();
    return { ...drift, offset: (drift.offset * good.rewardDeviation) / state.rewardDeviation };
  });
}

/** The network of the policy in force, or a fresh one without a say where that one does not fit. Disposes the old one. */
function networkInForce({ state }: FoldParts, old: NeuralHalf): NeuralHalf {
  const shape = neuralShape(old.shape.inputs, state.models.length);
  old.dispose();
  const inForce = state.policy && readPolicy(state.policy.bytes, state.policy.basis.fitted);
  if (!inForce || state.policy!.basis.fitted.xSize !== shape.inputs) {
    const { mix } = state;
    // As if nothing it said had ever helped: weight 0 until it does.
    state.mix = { ...mix, neural: Math.max(1, mix.linear), gain: 0 };
    return createNeuralHalf(shape, state.random);
  }
  const parameters = inForce.network;
  const restored = restoreNeuralHalf(neuralShape(shape.inputs, inForce.models.length), {
    parameters,
    target: parameters,
    optimizer: restartedOptimizer(parameters.length, state.guard.health.gradientMedian),
  });
  const from = state.models.map((model) => inForce.models.indexOf(model));
  return rearrangeModels(restored, from, state.random);
}

/** Adam's corrections for the start of its means are over after so many steps. */
const settledSteps = 10_000;

/**
 * Adam as if all gradients so far had been of the usual norm, and the last ones zero. With blank means its first steps would
 * move every weight by the full learning rate, whatever the gradient: enough to spoil a network that was just restored.
 */
function restartedOptimizer(parameters: number, gradientNorm: number) {
  return {
    first: new Float32Array(parameters),
    second: new Float32Array(parameters).fill(gradientNorm ** 2 / parameters),
    steps: settledSteps,
  };
}

function assertFinite(linear: LinearHalf | null, neural: NeuralHalf | null): void {
  const finite = (values: Float32Array | Float64Array): boolean => values.every(Number.isFinite);
  const sound =
    (!linear || (finite(linear.shared.weights) && linear.arms.every(({ weights }) => finite(weights)))) &&
    (!neural || finite(neural.parameters));
  if (!sound)
    throw new Error('the learner is broken beyond repair: it has to start again from its checkpoint and the log');
}
