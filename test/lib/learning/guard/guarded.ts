/** What the tests of the guard look at in a learner. */
import { sha256Of } from '../../../../lib/learning/fold/blob';
import type { Learner, LearnerOutput } from '../../../../lib/learning/fold/learner';
import type { LearnerState } from '../../../../lib/learning/fold/learner-state';
import { createValues, readPolicy } from '../../../../lib/learning/value/policy';
import { toyModels } from '../toy-world';

type Policy = Extract<LearnerOutput, { kind: 'policy' }>;

export const digestOf = (learner: Learner): string => sha256Of(learner.checkpoint());
export const policiesOf = (outputs: readonly LearnerOutput[]): Policy[] =>
  outputs.filter((output): output is Policy => output.kind === 'policy');

/** What the newest policy says of each model, on average over some prompts, by task of the prompt. */
export function meansOf(learner: Learner): Float64Array {
  const { state } = learner as unknown as { state: LearnerState };
  const policy = state.policy!;
  const values = createValues(policy.basis.fitted, readPolicy(policy.bytes, policy.basis.fitted));
  const means = new Float64Array(toyModels.length);
  for (const row of state.replay.rows.slice(-40))
    values(row.features, 0.5).means.forEach((mean, arm) => {
      means[arm]! += mean / 40;
    });
  return means;
}
