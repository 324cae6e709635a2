/**
 * The learner's state as bytes, so that a restart continues to the bit. The replay's features stay in the log: a
 * checkpoint holds only which rows it has and the drift offset of every outcome when it was observed.
 */
import { dictionaryOf } from '../../dictionary';
import type { Random } from '../../ports/random';
import type { PacedRequest, Pacer } from '../budget/pacer';
import { phiSize, readBasis } from '../features/basis';
import { restoredGuard, type SavedGuard, savedGuard } from '../guard/guard-state';
import { parameterCount } from '../rl/network';
import { triangle, weightRows } from '../value/linear-half';
import { neuralShape, restoreNeuralHalf } from '../value/neural-half';
import { arrayOf, type BlobArray, readBlob, sha256Of, writeBlob } from './blob';
import type { LearnerState } from './learner-state';
import { fullPace } from './pace';
import { createRegret } from './regret';
import { replaySize, rowAt } from './replay';
import type { Estimate } from './trust';

/** Fields that are plain JSON. */
const plainFields = [
  'models',
  'configured',
  'pulls',
  'joinedLate',
  'rewardMean',
  'rewardDeviation',
  'armMeans',
  'drifts',
  'regret',
  'setGaps',
  'confidence',
  'mix',
  'events',
  'rewards',
  'rewardsAtRefit',
  'offsetAtRefit',
  'rewardsAtPolicy',
  'eventsAtTuning',
  'tuningVersion',
  'fromOffset',
  'toOffset',
  'pace',
  'loss',
] as const satisfies readonly (keyof LearnerState)[];

interface CheckpointMeta {
  readonly encoderVersion: string;
  readonly random: readonly number[];
  readonly plain: Pick<LearnerState, (typeof plainFields)[number]>;
  readonly guard: SavedGuard;
  /** By strategy. */
  readonly trust: readonly (readonly [string, Estimate])[];
  /** By task type; absent from before task types were told apart. */
  readonly taskTrust?: readonly (readonly [string, readonly (readonly [string, Estimate])[]])[];
  readonly basis: { readonly number: number; readonly published: boolean } | null;
  readonly hasPolicy: boolean;
  readonly linear: { readonly noise: number; readonly precision: number } | null;
  readonly networkSteps: number | null;
  readonly pacer: SavedPacer;
}

interface SavedPacer {
  readonly costs: readonly [string, { ratio: number; observations: number; surprises: number[] }][];
  readonly priceFactors: readonly [string, number][];
  readonly overspentUsd: number;
  readonly costPricePerUsd: number;
  readonly window: readonly SavedRequest[];
}

interface SavedRequest extends Pick<PacedRequest, 'offset' | 'models' | 'qualityWeight' | 'perUsd'> {
  /** JSON makes null of NaN. */
  readonly heads: (number | null)[];
  readonly costFactors: number[];
}

export function writeCheckpoint(state: LearnerState, encoderVersion: string): Buffer {
  const { linear, neural } = state;
  const optimizer = neural?.optimizer() ?? null;
  const meta: CheckpointMeta = {
    encoderVersion,
    random: state.random.state(),
    plain: dictionaryOf(plainFields.map((field) => [field, state[field]] as const)) as CheckpointMeta['plain'],
    guard: savedGuard(state.guard),
    trust: [...state.trust.overall],
    taskTrust: [...state.trust.tasks].map(([task, estimates]) => [task, [...estimates]] as const),
    basis: state.basis && { number: state.basis.number, published: state.basis.published },
    hasPolicy: state.policy !== null,
    linear: linear && { noise: linear.noise, precision: linear.precision },
    networkSteps: optimizer?.steps ?? null,
    pacer: savedPacer(state.pacer),
  };
  const arrays: Record<string, BlobArray> = { ...replayArrays(state) };
  if (state.basis) arrays['basis'] = wordsOf(state.basis.bytes);
  if (state.policy) {
    arrays['policy'] = wordsOf(state.policy.bytes);
    if (state.policy.basis.sha256 !== state.basis?.sha256) arrays['policyBasis'] = wordsOf(state.policy.basis.bytes);
  }
  if (linear) {
    arrays['sharedCovariance'] = linear.shared.covariance;
    arrays['sharedWeights'] = linear.shared.weights;
    linear.arms.forEach((arm, i) => {
      arrays[`covariance${i}`] = arm.covariance;
      arrays[`weights${i}`] = arm.weights;
    });
  }
  if (neural && optimizer) {
    arrays['parameters'] = neural.parameters;
    arrays['target'] = neural.target;
    arrays['firstMoment'] = optimizer.first;
    arrays['secondMoment'] = optimizer.second;
  }
  return writeBlob({ kind: 'checkpoint', meta, arrays });
}

/** Offsets of the rows, outcomes per row, and all their drift offsets. Rows that still wait for `reload` count as well. */
function replayArrays(state: LearnerState): { offsets: Float64Array; outcomes: Int32Array; drifts: Float64Array } {
  const rows: { offset: number; drifts: readonly number[] }[] = [];
  for (let i = 0; i < replaySize(state.replay); i++) {
    const row = rowAt(state.replay, i);
    rows.push({ offset: row.offset, drifts: row.outcomes.map((outcome) => outcome.drift) });
  }
  for (const [offset, drifts] of state.awaited) rows.push({ offset, drifts });
  return {
    offsets: Float64Array.from(rows, (row) => row.offset),
    outcomes: Int32Array.from(rows, (row) => row.drifts.length),
    drifts: Float64Array.from(rows.flatMap((row) => row.drifts)),
  };
}

/** Blobs have a length that is a multiple of 8, so they fit into words. */
function wordsOf(bytes: Buffer): Int32Array {
  const words = new Int32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function savedPacer(pacer: Pacer): SavedPacer {
  return {
    costs: [...pacer.costs],
    priceFactors: [...pacer.priceFactors],
    overspentUsd: pacer.overspentUsd,
    costPricePerUsd: pacer.costPricePerUsd,
    window: pacer.window.map((request) => ({
      offset: request.offset,
      models: request.models,
      qualityWeight: request.qualityWeight,
      perUsd: request.perUsd,
      heads: [...request.heads],
      costFactors: [...request.costFactors],
    })),
  };
}

/**
 * Fills a fresh state from a checkpoint. Budget and configuration are the fresh state's own. Throws for a checkpoint
 * of another encoder: its features mean something else.
 */
export function readCheckpoint(
  bytes: Buffer,
  fresh: LearnerState,
  { restoreRandom, encoderVersion }: { restoreRandom: (state: readonly number[]) => Random; encoderVersion: string },
): LearnerState {
  const blob = readBlob(bytes, 'checkpoint');
  const meta = blob.meta as CheckpointMeta;
  if (meta.encoderVersion !== encoderVersion) {
    throw new Error(`checkpoint is of encoder ${meta.encoderVersion}, this is ${encoderVersion}: retrain from the log`);
  }
  const { guard, trust, ...plain } = withRegret(withPlainTables(meta));
  const state: LearnerState = {
    ...fresh,
    ...plain,
    guard: restoredGuard(guard),
    trust: {
      overall: new Map(trust),
      tasks: new Map((meta.taskTrust ?? []).map(([task, estimates]) => [task, new Map(estimates)])),
    },
    random: restoreRandom(meta.random),
  };
  const arms = state.models.length;
  const words = (name: string): Buffer => {
    const array = blob.arrays[name];
    if (!(array instanceof Int32Array)) throw new Error(`checkpoint blob: array ${name} is missing`);
    return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  };
  if (meta.basis) {
    const basisBytes = words('basis');
    const fitted = readBasis(basisBytes);
    state.basis = { ...meta.basis, fitted, bytes: basisBytes, sha256: sha256Of(basisBytes) };
    const size = phiSize(fitted);
    const armOf = (name: string, rows: number, suffix: string) => ({
      covariance: arrayOf(
        blob,
        suffix === '' ? `${name}Covariance` : `covariance${suffix}`,
        Float32Array,
        triangle(size),
      ),
      weights: arrayOf(blob, suffix === '' ? `${name}Weights` : `weights${suffix}`, Float64Array, rows * size),
    });
    if (meta.linear) {
      state.linear = {
        size,
        ...meta.linear,
        shared: armOf('shared', 1, ''),
        arms: state.models.map((_, i) => armOf('', weightRows, String(i))),
      };
    }
    if (meta.networkSteps !== null) {
      const shape = neuralShape(fitted.xSize, arms);
      const read = (name: string): Float32Array => arrayOf(blob, name, Float32Array, parameterCount(shape));
      state.neural = restoreNeuralHalf(shape, {
        parameters: read('parameters'),
        target: read('target'),
        optimizer: { first: read('firstMoment'), second: read('secondMoment'), steps: meta.networkSteps },
      });
    }
  }
  if (meta.hasPolicy) {
    const policyBytes = words('policy');
    const before = blob.arrays['policyBasis'] ? words('policyBasis') : null;
    const basis = before ? { fitted: readBasis(before), bytes: before, sha256: sha256Of(before) } : state.basis!;
    state.policy = { bytes: policyBytes, sha256: sha256Of(policyBytes), basis };
  }
  restorePacer(state.pacer, meta.pacer);
  const { offsets, outcomes, drifts } = blob.arrays as {
    offsets: Float64Array;
    outcomes: Int32Array;
    drifts: Float64Array;
  };
  let at = 0;
  offsets.forEach((offset, i) => {
    state.awaited.set(offset, [...drifts.subarray(at, at + outcomes[i]!)]);
    at += outcomes[i]!;
  });
  return state;
}

/** Releases before Maps kept these two among the plain fields, `trust` as an object. */
interface EarlierTables {
  readonly guard: SavedGuard;
  readonly trust: Readonly<Record<string, Estimate>>;
}

function withPlainTables({ plain, guard, trust }: CheckpointMeta) {
  if (guard) return { ...plain, guard, trust };
  const earlier = plain as typeof plain & EarlierTables;
  return { ...earlier, trust: Object.entries(earlier.trust) };
}

/** Releases before declared beliefs were a bound had none to fall behind. */
function withRegret<T extends Pick<LearnerState, 'regret' | 'pace'>>(plain: T): T {
  const regret = plain.regret as LearnerState['regret'] | undefined;
  // What an earlier release has not saved begins anew.
  return { ...plain, pace: plain.pace ?? fullPace, regret: regret ? { ...createRegret(), ...regret } : null };
}

function restorePacer(pacer: Pacer, saved: SavedPacer): void {
  for (const [model, cost] of saved.costs) pacer.costs.set(model, cost);
  for (const [model, price] of saved.priceFactors) pacer.priceFactors.set(model, price);
  pacer.overspentUsd = saved.overspentUsd;
  pacer.costPricePerUsd = saved.costPricePerUsd;
  for (const request of saved.window) {
    pacer.window.push({
      ...request,
      features: null,
      heads: Float64Array.from(request.heads, (value) => value ?? Number.NaN),
      costFactors: Float64Array.from(request.costFactors),
    });
  }
}
