/**
 * The key of the routing cache: a hash of everything the collapsed distribution depends on, never of prompt text. Requests
 * with equal keys get equal distributions, up to the rounding of expectations that move all the time.
 */
import { hash } from 'node:crypto';
import type { RouteOpened, Tuning } from '../../topics/generated/messages';
import { declaredShare } from '../judge/declared';
import { modelsHash } from './models-hash';

export type Fingerprinted = Pick<
  RouteOpened,
  | 'encoderVersion'
  | 'sketch'
  | 'handFeatures'
  | 'callerFeatures'
  | 'taskType'
  | 'promptTokens'
  | 'candidates'
  | 'preference'
  | 'limits'
  | 'strategies'
  | 'collapse'
  | 'policySha256'
  | 'basisSha256'
  | 'tuning'
  | 'configVersion'
  | 'priorObservations'
>;

/** Costs, latencies and the budget price that differ by less than about this share count as equal. */
const relativeStep = 0.05;
/** Qualities, offsets and weights that differ by less than about this count as equal. */
const absoluteStep = 0.01;
/** What is declared counts for less with every observation: a tenth of the whole is a difference. */
const shareStep = 0.1;

/** Numbers of a candidate in the hash, which has the names of all in one. */
const numbersEach = 8;
const numberBytes = Int32Array.BYTES_PER_ELEMENT;
/** What is hashed, put together here: hashing is synchronous, so one serves every call of this thread. */
let scratch = Buffer.alloc(16_384);

/** 64 hexadecimal digits. */
export function fingerprintOf(opened: Fingerprinted): string {
  const { preference, candidates, sketch, handFeatures, callerFeatures } = opened;
  const text =
    JSON.stringify([
      // Raw bytes are of variable length: how many there are of each keeps inputs from running together the same way.
      sketch.length,
      handFeatures.length,
      callerFeatures?.length ?? null,
      modelsHash(candidates),
      opened.encoderVersion,
      opened.taskType,
      opened.promptTokens,
      opened.strategies,
      opened.collapse,
      opened.policySha256,
      opened.basisSha256,
      opened.configVersion,
      preference.quality,
      preference.cost,
      preference.latency,
      opened.limits,
    ]) + tuningText(opened.tuning);
  const bytes =
    sketch.length +
    handFeatures.length +
    (callerFeatures?.length ?? 0) +
    candidates.length * numbersEach * numberBytes +
    // No character takes more.
    3 * text.length;
  if (scratch.length < bytes) scratch = Buffer.alloc(2 * bytes);
  let at = sketch.copy(scratch);
  at += handFeatures.copy(scratch, at);
  if (callerFeatures) at += callerFeatures.copy(scratch, at);
  at = writeCandidates(opened, at);
  at += scratch.write(text, at);
  return hash('sha256', scratch.subarray(0, at), 'hex');
}

/** Returns where they end. */
function writeCandidates({ candidates, priorObservations }: Fingerprinted, start: number): number {
  const view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length);
  let at = start;
  const write = (number: number): void => {
    view.setInt32(at, number, true);
    at += numberBytes;
  };
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    write(candidate.eligible ? 1 : 0);
    write(healthNumbers[candidate.health]);
    write(relative(candidate.expectedCostUsd));
    write(relative(candidate.expectedLatencyMs));
    write(relative(candidate.priceFactor));
    write(absolute(candidate.expectedQuality));
    write(absolute(candidate.errorRate));
    write(Math.round(declaredShare(candidate, { priorObservations }) / shareStep));
  }
  return at;
}

const healthNumbers = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const;

// Many requests share their tuning (pin-tuning.ts), and nobody changes one.
const tuningTexts = new WeakMap<Tuning, string>();

function tuningText(tuning: Tuning): string {
  let text = tuningTexts.get(tuning);
  if (text === undefined) {
    text = JSON.stringify([
      relative(tuning.costPricePerUsd),
      absolute(tuning.neuralWeight),
      // What may be lost beyond one unit of utility per request is no limit.
      tuning.regretAllowance === null ? null : absolute(Math.max(0, Math.min(1, tuning.regretAllowance))),
      rounded(tuning.driftOffsets),
      rounded(tuning.strategyWeights),
    ]);
    tuningTexts.set(tuning, text);
  }
  return text;
}

/** Of nothing, what no logarithm of a double comes near. */
const none = -0x80000000;

function relative(value: number): number {
  return value > 0 ? Math.round(Math.log(value) / relativeStep) : none;
}

function absolute(value: number): number {
  return Math.round(value / absoluteStep);
}

function rounded(values: Readonly<Record<string, number>>): [string, number][] {
  return Object.keys(values)
    .sort()
    .map((key) => [key, absolute(values[key]!)]);
}
