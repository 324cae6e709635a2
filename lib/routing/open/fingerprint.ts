/**
 * The key of the routing cache: a hash of everything the collapsed distribution depends on, never of prompt text. Requests
 * with equal keys get equal distributions, up to the rounding of expectations that move all the time.
 */
import { createHash } from 'node:crypto';
import type { Candidate, RouteOpened, Tuning } from '../../topics/generated/messages';
import { declaredShare } from '../judge/declared';

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

/** 64 hexadecimal digits. */
export function fingerprintOf(opened: Fingerprinted): string {
  const hash = createHash('sha256');
  hash.update(opened.sketch).update('|').update(opened.handFeatures).update('|');
  // Raw bytes are of variable length: say how many, so that no two inputs run together the same way.
  if (opened.callerFeatures) hash.update(`${opened.callerFeatures.length}|`).update(opened.callerFeatures);
  const { preference } = opened;
  const asked = JSON.stringify([
    opened.sketch.length,
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
  ]);
  let candidates = '';
  for (const candidate of opened.candidates)
    candidates += `${candidates === '' ? '' : ','}${candidateText(candidate, opened)}`;
  // One array, as JSON has it: its beginning, the candidates, its end.
  hash.update(`${asked.slice(0, -1)},[${candidates}],${tuningText(opened.tuning)}`);
  return hash.digest('hex');
}

function candidateText(candidate: Candidate, opened: Pick<RouteOpened, 'priorObservations'>): string {
  return JSON.stringify([
    candidate.model,
    candidate.eligible,
    candidate.health,
    relative(candidate.expectedCostUsd),
    relative(candidate.expectedLatencyMs),
    relative(candidate.priceFactor),
    absolute(candidate.expectedQuality),
    absolute(candidate.errorRate),
    Math.round(declaredShare(candidate, opened) / shareStep),
  ]);
}

// Many requests share their tuning (pin-tuning.ts), and nobody changes one.
const tuningTexts = new WeakMap<Tuning, string>();

/** The last values of the array, with its end. */
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
    ]).slice(1);
    tuningTexts.set(tuning, text);
  }
  return text;
}

function relative(value: number): number {
  return value > 0 ? Math.round(Math.log(value) / relativeStep) : Number.NEGATIVE_INFINITY;
}

function absolute(value: number): number {
  return Math.round(value / absoluteStep);
}

function rounded(values: Readonly<Record<string, number>>): [string, number][] {
  return Object.keys(values)
    .sort()
    .map((key) => [key, absolute(values[key]!)]);
}
