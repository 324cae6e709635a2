/** Folds what an experiment is told into its tally, and says what is shown of it. */
import type { ExperimentConfig } from '../../lib/config/router-config';
import { experimentStateOf, newTally, wantsPublishing, withObserved } from '../../lib/experiments/tally';
import { emit, type Result } from '../../lib/stream/define-service';
import type { ExperimentObserved, ExperimentTally } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

/** As it is configured now; null where it is not. */
export type Configured = { readonly experiment: ExperimentConfig; readonly definition: string } | null;

export function observe(
  before: ExperimentTally | undefined,
  observed: ExperimentObserved,
  configured: Configured,
  nowMs: number,
): Result<ExperimentTally> {
  const { exposure } = observed;
  if (!configured) return { kind: 'drop', reason: 'ended-experiment' };
  const { experiment, definition } = configured;
  if (exposure.definition !== definition) return { kind: 'drop', reason: 'other-definition' };
  const { armIndex } = exposure;
  if (armIndex < 0 || armIndex >= experiment.arms.length)
    return {
      kind: 'deadLetter',
      reason: `exposure.armIndex ${armIndex} is no arm of ${experiment.arms.length}`,
      field: 'exposure.armIndex',
    };
  const tally = before?.definition === definition ? before : newTally(experiment, definition, nowMs);
  const after = withObserved(tally, experiment, observed, nowMs);
  if (after === tally) return { kind: 'drop', reason: 'seen-unit' };
  if (!wantsPublishing(before, after, nowMs)) return { kind: 'done', state: after };
  return shown(after, experiment, nowMs);
}

/** Called a second after what was last shown, when something has changed since. */
export function show(tally: ExperimentTally, configured: Configured, nowMs: number): Result<ExperimentTally> {
  if (configured?.definition !== tally.definition) return { kind: 'done', state: { ...tally, isPublished: true } };
  return shown(tally, configured.experiment, nowMs);
}

function shown(tally: ExperimentTally, experiment: ExperimentConfig, nowMs: number): Result<ExperimentTally> {
  const published = { ...tally, isPublished: true, publishedAtMs: nowMs };
  return {
    kind: 'done',
    state: published,
    emit: [emit(topics.experimentStates, experimentStateOf(tally, experiment))],
  };
}
