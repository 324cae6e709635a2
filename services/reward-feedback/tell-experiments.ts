/** What experiments are told of their requests: that one was decided, and what is newly known of the call of the decided model. */
import { qualityOf, type RewardWeights } from '../../lib/reward/reward';
import { type Emit, emit } from '../../lib/stream/define-service';
import type { AwaitedOutcome, Exposure, RouteOutcome } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

const nothing = { quality: null, costUsd: null, latencyMs: null, failure: null };

export function tellExposures(exposures: readonly Exposure[], decisionId: string, atMs: number): Emit[] {
  return exposures.map((exposure) =>
    emit(topics.experimentObserved, { exposure, decisionId, isExposure: true, ...nothing, atMs }),
  );
}

/** `used` is what was known of the call before: each figure is told once. */
export function tellOutcome(
  { exposures }: Pick<AwaitedOutcome, 'exposures'>,
  outcome: RouteOutcome,
  used: RouteOutcome | undefined,
  weights: RewardWeights,
  atMs: number,
): Emit[] {
  if (exposures.length === 0 || outcome.status === 'CANCELLED') return [];
  const known = used
    ? { ...used, quality: qualityOf(used, weights) }
    : { quality: null, costUsd: null, latencyMs: null };
  const quality = qualityOf(outcome, weights);
  const told = {
    quality: known.quality === null ? quality : null,
    costUsd: known.costUsd === null ? outcome.costUsd : null,
    latencyMs: known.latencyMs === null ? outcome.latencyMs : null,
    failure: used ? null : outcome.status === 'SUCCESS' ? 0 : 1,
  };
  if (Object.values(told).every((figure) => figure === null)) return [];
  const { decisionId } = outcome;
  return exposures.map((exposure) =>
    emit(topics.experimentObserved, { exposure, decisionId, isExposure: false, ...told, atMs }),
  );
}
