/**
 * The learned policy as decisions see it: immutable weights on plain Float32Arrays and a pure function from an opened
 * request to a judgement. Ten heads of a mixture of both halves each vote for the candidate with the best utility.
 */
import { ownEntry } from '../../dictionary';
import { believingHeads, conserve, declaredChoice, declaredShare, writeBelieved } from '../../routing/judge/declared';
import type { Judgement, LearnedPolicy } from '../../routing/judge/strategy';
import { utilityOf, utilityWeightsOf } from '../../routing/judge/utility';
import type { Candidate, RouteOpened, Tuning } from '../../topics/generated/messages';
import { type Guarantees, guarantee, guaranteesOf, newcomer } from '../budget/guarantees';
import { type Basis, describe, describingShapes, type Features, phiSize, readBasis } from '../features/basis';
import { contextOf } from '../features/context';
import { float32Of, int8Of } from '../features/encode';
import { taskSlotOf } from '../features/task-slot';
import { arrayOf, readBlob, sha256Of, writeBlob } from '../fold/blob';
import { mostCostUsd } from '../fold/check-event';
import { coldStartJudgement, coldStartRewards, isColdStart } from '../fold/cold-start';
import { layerShapes, type NetworkShape, parameterCount, runLayers } from '../rl/network';
import { dot32 } from './linear-algebra';
import { costRow, headCount, meanRow, weightRows } from './linear-half';
import { leastServedWeight } from './mix';
import { createProducts } from './products';

/** Expected cost of a request relative to the model's mean is believed within these bounds. */
const leastCostFactor = 0.2;
const mostCostFactor = 4;

/** Everything a policy blob holds. Arms are models in head order. */
export interface PolicyWeights {
  readonly models: readonly string[];
  /** Rewards seen per model. */
  readonly pulls: readonly number[];
  /** Whether a model came after the cold start. */
  readonly joinedLate: readonly boolean[];
  /** Least share of a model that has got worse; 0 for the others. */
  readonly watched: readonly number[];
  readonly learnedRewards: number;
  /** A standardised reward z is quality = rewardMean + rewardDeviation * z. */
  readonly rewardMean: number;
  readonly rewardDeviation: number;
  /** False for the Q-network alone. */
  readonly hasLinear: boolean;
  readonly hidden: number;
  readonly basisSha256: string;
  /** Standardised mean per model. */
  readonly armMeans: Float32Array;
  /** One row of phi's length, added to every model. */
  readonly shared: Float32Array;
  /** models x weightRows x phi. */
  readonly linear: Float32Array;
  readonly network: Float32Array;
}

export function writePolicy(weights: PolicyWeights): Buffer {
  const { armMeans, shared, linear, network, ...meta } = weights;
  return writeBlob({ kind: 'policy', meta, arrays: { armMeans, shared, linear, network } });
}

/** What a policy blob holds, checked for shape and finiteness but not against a hash. */
export function readPolicy(bytes: Buffer, basis: Basis): PolicyWeights {
  const blob = readBlob(bytes, 'policy');
  const meta = blob.meta as Omit<PolicyWeights, 'armMeans' | 'shared' | 'linear' | 'network'>;
  const arms = meta.models.length;
  for (const field of ['learnedRewards', 'rewardMean', 'rewardDeviation', 'hidden'] as const) {
    if (!Number.isFinite(meta[field])) throw new Error(`policy blob: ${field} is ${meta[field]}`);
  }
  if (meta.pulls.length !== arms || meta.joinedLate.length !== arms || meta.watched.length !== arms)
    throw new Error(`policy blob: pulls do not fit ${arms} models`);
  const size = phiSize(basis);
  return {
    ...meta,
    armMeans: arrayOf(blob, 'armMeans', Float32Array, arms),
    shared: arrayOf(blob, 'shared', Float32Array, size),
    linear: arrayOf(blob, 'linear', Float32Array, arms * weightRows * size),
    network: arrayOf(
      blob,
      'network',
      Float32Array,
      parameterCount({ inputs: basis.xSize, hidden: meta.hidden, actions: arms, heads: headCount }),
    ),
  };
}

/**
 * A policy from its blobs. Throws a readable error when a hash, a shape or a value is wrong, or when the policy belongs
 * to another basis; the caller then keeps what it has.
 */
export function parsePolicy(
  basis: Buffer,
  policy: Buffer,
  expected: { policySha256: string; basisSha256: string },
): LearnedPolicy {
  const found = { basisSha256: sha256Of(basis), policySha256: sha256Of(policy) };
  for (const key of ['basisSha256', 'policySha256'] as const) {
    if (found[key] !== expected[key]) throw new Error(`${key} is ${found[key]}, expected ${expected[key]}`);
  }
  const parsedBasis = readBasis(basis);
  const weights = readPolicy(policy, parsedBasis);
  if (weights.basisSha256 !== found.basisSha256) {
    throw new Error(`policy ${found.policySha256} belongs to basis ${weights.basisSha256}, not ${found.basisSha256}`);
  }
  const values = createValues(parsedBasis, weights);
  const guarantees = guaranteesOf(weights);
  const scratch = createScratch(weights.models.length);
  const { encoderVersion } = parsedBasis;
  return {
    policySha256: found.policySha256,
    judge: (opened) => judge(opened, weights, { values, guarantees, encoderVersion }, found.policySha256, scratch),
  };
}

/** Values of all known models for one request. The arrays are reused by the next call. */
export interface Values {
  /** models x headCount, quality without drift offset. */
  readonly heads: Float64Array;
  /** Mean predicted quality per model, without drift offset. */
  readonly means: Float64Array;
  /** Expected cost relative to the model's mean. */
  readonly costFactors: Float64Array;
}

/**
 * The mixed value function; `neuralWeight` is the share of the network. What it needs beside the weights is made at its first
 * use: most policies that are parsed are only looked at.
 */
export function createValues(
  basis: Basis,
  weights: PolicyWeights,
): (features: Features, neuralWeight: number) => Values {
  let valuesOf: ((features: Features, neuralWeight: number) => Values) | null = null;
  return (features, neuralWeight) => {
    valuesOf ??= prepareValues(basis, weights);
    return valuesOf(features, neuralWeight);
  };
}

function prepareValues(basis: Basis, weights: PolicyWeights): (features: Features, neuralWeight: number) => Values {
  const { hasLinear, rewardMean, rewardDeviation, armMeans } = weights;
  const arms = weights.models.length;
  const size = phiSize(basis);
  const shape: NetworkShape = { inputs: basis.xSize, hidden: weights.hidden, actions: arms, heads: headCount };
  const x = new Float32Array(basis.xSize);
  const phi = new Float32Array(size);
  const linearRows = hasLinear ? arms * weightRows : 0;
  const { rows, layers } = createProducts(
    [...describingShapes(basis), { matrix: weights.linear, rows: linearRows, size }],
    layerShapes(shape, weights.network),
  );
  const describing = { projection: rows[0]!, centroids: rows[1]! };
  const linear = rows[2]!;
  const network = layers[2]!.out;
  const values: Values = {
    heads: new Float64Array(arms * headCount),
    means: new Float64Array(arms),
    costFactors: new Float64Array(arms).fill(1),
  };
  return (features, wanted) => {
    const neural = hasLinear ? (wanted > leastServedWeight ? wanted : 0) : 1;
    describe(basis, features, x, phi, describing);
    if (neural > 0) runLayers(layers, x, basis.networkScale);
    if (hasLinear) {
      linear.vector.set(phi);
      linear.multiply();
    }
    const shared = hasLinear ? dot32(weights.shared, 0, phi, 0, size) : 0;
    const { products } = linear;
    const { heads, means, costFactors } = values;
    for (let arm = 0; arm < arms; arm++) {
      const base = rewardMean + rewardDeviation * armMeans[arm]!;
      const at = arm * weightRows;
      const mean = hasLinear ? shared + products[at + meanRow]! : 0;
      let networkMean = 0;
      for (let m = 0; m < headCount; m++) {
        const own = hasLinear ? shared + products[at + m + 1]! : 0;
        const other = network[arm * headCount + m]!;
        networkMean += other / headCount;
        // own - mean, the linear heads' doubt, counts in full: the network's heads are sure too early.
        const mixed = own - neural * mean + neural * other;
        heads[arm * headCount + m] = base + rewardDeviation * mixed;
      }
      means[arm] = base + rewardDeviation * ((1 - neural) * mean + neural * networkMean);
      if (hasLinear)
        costFactors[arm] = Math.max(leastCostFactor, Math.min(mostCostFactor, 1 + products[at + costRow]!));
    }
    return values;
  };
}

/** Features as they stand in an opened request or a learning event. */
export function featuresOf(record: {
  readonly sketch: Buffer;
  readonly sketchScale: number;
  readonly handFeatures: Buffer;
  readonly callerFeatures: Buffer | null;
  readonly contextFeatures: Buffer;
  readonly taskType: string;
}): Features {
  return {
    sketch: int8Of(record.sketch),
    sketchScale: record.sketchScale,
    hand: float32Of(record.handFeatures),
    caller: record.callerFeatures ? float32Of(record.callerFeatures) : null,
    context: contextOf(record.contextFeatures),
    task: taskSlotOf(record.taskType),
  };
}

/** Reused from one request to the next; per candidate unless it says otherwise. */
interface Scratch {
  /** The names of the candidates before, so that most are told by identity. */
  names: (string | undefined)[];
  /** Its arm, -1 for a stranger. */
  arms: Int32Array;
  /** Utility lost to cost and latency. */
  penalties: Float64Array;
  /** Expected for this request. */
  costsUsd: Float64Array;
  /** Drift offset of its quality. */
  drifts: Float64Array;
  /** What is believed of it. */
  beliefs: Beliefs;
  /** Of which tuning the two columns below are. */
  tuning: Tuning | null;
  /** Per arm: drift offset. */
  readonly armDrifts: Float64Array;
  /** Per arm: whether there is a learned cost ratio, and what it is. */
  readonly armHasRatio: Uint8Array;
  readonly armRatios: Float64Array;
}

function createScratch(arms: number): Scratch {
  return {
    names: [],
    arms: new Int32Array(0),
    penalties: new Float64Array(0),
    costsUsd: new Float64Array(0),
    drifts: new Float64Array(0),
    tuning: null,
    beliefs: { shares: new Float64Array(0), qualities: new Float64Array(0) },
    armDrifts: new Float64Array(arms),
    armHasRatio: new Uint8Array(arms),
    armRatios: new Float64Array(arms),
  };
}

/** Fits the scratch space to a request: its size, the columns of its tuning, the arm of every candidate. */
function prepareScratch(scratch: Scratch, models: readonly string[], { candidates, tuning }: RouteOpened): void {
  const count = candidates.length;
  if (scratch.arms.length !== count) {
    scratch.names = new Array<string | undefined>(count).fill(undefined);
    scratch.arms = new Int32Array(count).fill(-1);
    scratch.penalties = new Float64Array(count);
    scratch.costsUsd = new Float64Array(count);
    scratch.drifts = new Float64Array(count);
  }
  if (scratch.tuning !== tuning) {
    for (let arm = 0; arm < models.length; arm++) {
      scratch.armDrifts[arm] = ownEntry(tuning.driftOffsets, models[arm]!) ?? 0;
      const ratio = ownEntry(tuning.costRatios, models[arm]!);
      scratch.armHasRatio[arm] = ratio === undefined ? 0 : 1;
      scratch.armRatios[arm] = ratio ?? 0;
    }
    scratch.tuning = tuning;
  }
  const { names, arms, drifts } = scratch;
  for (let i = 0; i < count; i++) {
    const { model } = candidates[i]!;
    if (names[i] !== model) {
      names[i] = model;
      // Candidates are in config order and so, as a rule, are arms.
      arms[i] = models[i] === model ? i : models.indexOf(model);
    }
    const arm = arms[i]!;
    drifts[i] = arm < 0 ? (ownEntry(tuning.driftOffsets, model) ?? 0) : scratch.armDrifts[arm]!;
  }
}

function judge(
  opened: RouteOpened,
  weights: PolicyWeights,
  {
    values: valuesOf,
    guarantees,
    encoderVersion,
  }: { values: ReturnType<typeof createValues>; guarantees: Guarantees; encoderVersion: string },
  policySha256: string,
  scratch: Scratch,
): Judgement {
  if (isColdStart(opened)) return coldStartJudgement(opened, policySha256);
  const { candidates, tuning } = opened;
  const values = valuesOf(understood(opened, encoderVersion), tuning.neuralWeight);
  const utility = utilityWeightsOf(opened);
  prepareScratch(scratch, weights.models, opened);
  const { arms, drifts, costsUsd, penalties } = scratch;
  const qualities = new Array<number>(candidates.length);
  const utilities = new Array<number>(candidates.length);
  const strangers = strangersQuality(weights, values, arms);
  const beliefs = beliefsOf(opened, weights.hasLinear, scratch);
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    const arm = arms[i]!;
    const quality = arm < 0 ? strangers : values.means[arm]! + drifts[i]!;
    const declared = beliefs === null ? 0 : beliefs.shares[i]!;
    const believed = clipped((1 - declared) * quality + declared * candidate.expectedQuality);
    const costUsd = expectedCostUsd(candidate, arm, values, opened, scratch);
    qualities[i] = believed;
    costsUsd[i] = costUsd;
    penalties[i] = utilityOf(utility, 0, costUsd, candidate.expectedLatencyMs);
    utilities[i] = utilityOf(utility, believed, costUsd, candidate.expectedLatencyMs);
  }
  const voted = votes(candidates, values, utility.quality, scratch, beliefs);
  keepGuarantees(voted, opened, guarantees, scratch);
  const probabilities = beliefs === null ? voted : conserve(opened, voted, utilities);
  let top = 0;
  for (const probability of probabilities) if (probability > top) top = probability;
  const n = tuning.learnedRewards;
  return {
    probabilities,
    utilities,
    qualities,
    // Agreement of the heads, discounted while there is little evidence: half of it at the end of the cold start.
    confidence: (top * n) / (n + coldStartRewards(candidates.length, opened.rewardsPerModel)),
    policySha256,
    coldStart: false,
  };
}

function clipped(quality: number): number {
  return Math.max(0, Math.min(1, quality));
}

/** What is believed of each candidate beside what was learned, and how much it counts. A candidate has a quality for each head. */
interface Beliefs {
  readonly shares: Float64Array;
  readonly qualities: Float64Array;
}

/** Null where no declared beliefs differ, and for the Q-network alone, whose values look ahead. */
function beliefsOf(opened: RouteOpened, hasLinear: boolean, scratch: Scratch): Beliefs | null {
  if (!hasLinear || declaredChoice(opened) < 0) return null;
  const { candidates } = opened;
  const count = candidates.length;
  if (scratch.beliefs.shares.length !== count)
    scratch.beliefs = { shares: new Float64Array(count), qualities: new Float64Array(count * believingHeads) };
  const { shares, qualities } = scratch.beliefs;
  for (let i = 0; i < count; i++) {
    shares[i] = declaredShare(candidates[i]!, opened);
    writeBelieved(candidates[i]!, opened, qualities, i * believingHeads);
  }
  return scratch.beliefs;
}

const noSketch = new Int8Array(0);

/** A text that another encoder has described says nothing here: its numbers mean something else. */
function understood(opened: RouteOpened, encoderVersion: string): Features {
  const features = featuresOf(opened);
  const isOurs = opened.callerFeatures !== null || opened.encoderVersion === encoderVersion;
  return isOurs ? features : { ...features, sketch: noSketch };
}

/** What to expect of a model the policy has never seen: the mean of the others among the candidates. */
function strangersQuality(weights: PolicyWeights, values: Values, arms: Int32Array): number {
  let total = 0;
  let known = 0;
  for (let i = 0; i < arms.length; i++) {
    const arm = arms[i]!;
    if (arm < 0) continue;
    total += values.means[arm]!;
    known++;
  }
  return known > 0 ? total / known : weights.rewardMean;
}

function expectedCostUsd(
  candidate: Candidate,
  arm: number,
  values: Values,
  { tuning, warmCache }: RouteOpened,
  { armHasRatio, armRatios }: Scratch,
): number {
  // What is pinned has in it what a warm prompt cache saves, what is learned has not.
  const savedUsd = warmCache?.model === candidate.model ? warmCache.savedUsd : 0;
  // Under an absurd price the product need not be a number that can be compared.
  if (arm >= 0) {
    if (armHasRatio[arm] === 0) return candidate.expectedCostUsd;
    return Math.max(
      0,
      Math.min(mostCostUsd, armRatios[arm]! * candidate.priceFactor * values.costFactors[arm]!) - savedUsd,
    );
  }
  const ratio = ownEntry(tuning.costRatios, candidate.model);
  if (ratio === undefined) return candidate.expectedCostUsd;
  return Math.max(0, Math.min(mostCostUsd, ratio * candidate.priceFactor) - savedUsd);
}

/** Share of heads whose best eligible candidate is each. Strangers take no part: they get their share afterwards. */
function votes(
  candidates: readonly Candidate[],
  { heads }: Values,
  perQuality: number,
  scratch: Scratch,
  beliefs: Beliefs | null,
): number[] {
  const { arms, drifts, penalties } = scratch;
  const shares = new Array<number>(candidates.length).fill(0);
  const best = new Int32Array(headCount).fill(-1);
  const bestUtility = new Float64Array(headCount).fill(-Infinity);
  for (let i = 0; i < candidates.length; i++) {
    const arm = arms[i]!;
    if (arm < 0 || !candidates[i]!.eligible) continue;
    const drift = drifts[i]!;
    const penalty = penalties[i]!;
    const share = beliefs === null ? 0 : beliefs.shares[i]!;
    for (let m = 0, at = arm * headCount; m < headCount; m++, at++) {
      const learned = heads[at]! + drift;
      const quality =
        beliefs === null ? learned : learned + share * (beliefs.qualities[i * believingHeads + m]! - learned);
      const value = perQuality * quality + penalty;
      if (value > bestUtility[m]!) {
        bestUtility[m] = value;
        best[m] = i;
      }
    }
  }
  for (let m = 0; m < headCount; m++) {
    const winner = best[m]!;
    if (winner >= 0) shares[winner] = shares[winner]! + 1 / headCount;
  }
  return shares;
}

/** Gives strangers, newcomers and the watched their shares, and the rest to the others. */
function keepGuarantees(
  shares: number[],
  { candidates, budgetUsdPerRequest }: RouteOpened,
  guarantees: Guarantees,
  scratch: Scratch,
): void {
  if (guarantees.size === 0 && !scratch.arms.includes(-1)) return;
  const eligible: number[] = [];
  candidates.forEach((candidate, i) => {
    if (candidate.eligible) eligible.push(i);
  });
  const some = eligible.map((i) => ({
    guarantee: scratch.arms[i]! < 0 ? newcomer : (guarantees.get(candidates[i]!.model) ?? null),
    costUsd: scratch.costsUsd[i]!,
  }));
  const kept = eligible.map((i) => shares[i]!);
  guarantee(kept, some, budgetUsdPerRequest);
  eligible.forEach((at, i) => {
    shares[at] = kept[i]!;
  });
}
