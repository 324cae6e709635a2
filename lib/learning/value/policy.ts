/**
 * The learned policy as decisions see it: immutable weights on plain Float32Arrays and a pure function from an opened
 * request to a judgement. Ten heads of a mixture of both halves each vote for the candidate with the best utility.
 */
import type { LearnedPolicy, PolicyStudy } from '../../routing/judge/strategy';
import type { RouteOpened } from '../../topics/generated/messages';
import { guaranteesOf } from '../budget/guarantees';
import {
  type Basis,
  componentCount,
  describePhi,
  describeX,
  describingShapes,
  type Features,
  phiSize,
  readBasis,
} from '../features/basis';
import { contextOf } from '../features/context';
import { float32Of, handSize, int8Of } from '../features/encode';
import { partsOf } from '../features/parts';
import { taskSlotOf } from '../features/task-slot';
import { arrayOf, readBlob, sha256Of, writeBlob } from '../fold/blob';
import { isColdStart } from '../fold/cold-start';
import { layerShapes, type NetworkShape, parameterCount, runLayers } from '../rl/network';
import { createJudge, type PolicyFacts, type Values } from './judge-values';
import { keepValues } from './kept-values';
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
  const { encoderVersion } = parsedBasis;
  const valuesOf = (opened: RouteOpened, hidden?: readonly number[]): Values =>
    values(understood(opened, encoderVersion), opened.tuning.neuralWeight, hidden);
  const { policySha256 } = found;
  const { models, hasLinear, rewardMean, learnedRewards } = weights;
  const facts: PolicyFacts = { policySha256, models, hasLinear, rewardMean, guarantees: guaranteesOf(weights) };
  return {
    policySha256,
    judge: createJudge(facts, (opened) => valuesOf(opened)),
    valuesOf: (opened) => (isColdStart(opened) ? null : keepValues(facts, valuesOf(opened), learnedRewards)),
    study: studyOf(parsedBasis, facts, valuesOf),
  };
}

function studyOf(
  basis: Basis,
  facts: PolicyFacts,
  valuesOf: (opened: RouteOpened, hidden: readonly number[]) => Values,
): PolicyStudy {
  const columns = new Map<string, readonly number[]>(partsOf(basis).map((part) => [part.name, part.columns]));
  let hidden: readonly number[] = [];
  const judge = createJudge(facts, (opened) => valuesOf(opened, hidden));
  const x = new Float32Array(basis.xSize);
  const phi = new Float32Array(phiSize(basis));
  return {
    parts: [...columns.keys()],
    judgeWithout(part, opened) {
      hidden = columns.get(part) ?? [];
      return judge(opened);
    },
    placeOf(opened) {
      if (!describeX(basis, understood(opened, basis.encoderVersion), x)) return null;
      describePhi(basis, x, phi);
      let cluster = 0;
      for (let k = 1; k < basis.clusters; k++) if (phi[1 + k]! > phi[1 + cluster]!) cluster = k;
      const hand = basis.kind === 'text' ? x.subarray(componentCount, componentCount + handSize) : [];
      // In X all of them together have about unit length.
      return { cluster, shape: Array.from(hand, (value) => value * Math.sqrt(handSize)) };
    },
  };
}

export type { Values } from './judge-values';

/** `hidden`: columns of X that are taken for the mean of all requests. */
type ValuesOf = (features: Features, neuralWeight: number, hidden?: readonly number[]) => Values;

/**
 * The mixed value function; `neuralWeight` is the share of the network. What it needs beside the weights is made at its first
 * use: most policies that are parsed are only looked at.
 */
export function createValues(basis: Basis, weights: PolicyWeights): ValuesOf {
  let valuesOf: ValuesOf | null = null;
  return (features, neuralWeight, hidden) => {
    valuesOf ??= prepareValues(basis, weights);
    return valuesOf(features, neuralWeight, hidden);
  };
}

const none: readonly number[] = [];

function prepareValues(basis: Basis, weights: PolicyWeights): ValuesOf {
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
  return (features, wanted, hidden = none) => {
    const neural = hasLinear ? (wanted > leastServedWeight ? wanted : 0) : 1;
    const isKnown = describeX(basis, features, x, describing);
    for (const column of hidden) x[column] = 0;
    describePhi(basis, isKnown ? x : null, phi, describing);
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

const noSketch = new Int8Array(0);

/** A text that another encoder has described says nothing here: its numbers mean something else. */
function understood(opened: RouteOpened, encoderVersion: string): Features {
  const features = featuresOf(opened);
  const isOurs = opened.callerFeatures !== null || opened.encoderVersion === encoderVersion;
  return isOurs ? features : { ...features, sketch: noSketch };
}
