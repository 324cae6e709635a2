/**
 * The one place that copies a candidate. V8 keeps the number of a field in an object of 16 bytes. Where the field has only ever held
 * such numbers a copy of the candidate gets copies of these objects, and whoever reads one to hand it on makes another; where it
 * has held something else it is a reference like any other. So one candidate without numbers is made before all others.
 */
import type { Candidate, DecidedCandidate } from '../../topics/generated/messages';

/** The caller's own, to be changed before it is handed out. What it refers to is shared. */
export function copyCandidate(candidate: Candidate): Candidate {
  return {
    model: candidate.model,
    provider: candidate.provider,
    eligible: candidate.eligible,
    ineligibleReason: candidate.ineligibleReason,
    health: candidate.health,
    expectedCostUsd: candidate.expectedCostUsd,
    expectedLatencyMs: candidate.expectedLatencyMs,
    expectedQuality: candidate.expectedQuality,
    errorRate: candidate.errorRate,
    observations: candidate.observations,
    priceFactor: candidate.priceFactor,
    declared: candidate.declared,
    p95LatencyMs: candidate.p95LatencyMs,
    bar: candidate.bar,
  };
}

/** A candidate as the decision says it. */
export function decidedCandidate(
  candidate: Candidate,
  propensity: number,
  predictedQuality: number,
  utility: number,
): DecidedCandidate {
  return {
    model: candidate.model,
    provider: candidate.provider,
    eligible: candidate.eligible,
    ineligibleReason: candidate.ineligibleReason,
    propensity,
    predictedQuality,
    utility,
    expectedCostUsd: candidate.expectedCostUsd,
    expectedLatencyMs: candidate.expectedLatencyMs,
  };
}

const noNumber = null as unknown as number;
const withoutNumbers = copyCandidate({
  model: '',
  provider: '',
  eligible: false,
  ineligibleReason: null,
  health: 'CLOSED',
  expectedCostUsd: noNumber,
  expectedLatencyMs: noNumber,
  expectedQuality: noNumber,
  errorRate: noNumber,
  observations: noNumber,
  priceFactor: noNumber,
  declared: { quality: noNumber, costUsd: noNumber, latencyMs: noNumber },
  p95LatencyMs: null,
  bar: null,
});
decidedCandidate(withoutNumbers, noNumber, noNumber, noNumber);
