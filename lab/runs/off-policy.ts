/**
 * What the engine's own log says of policies it did not follow, next to what they were really worth: recorded data knows.
 * A check of the estimates on the user's data, and of how much its exploration lets one say.
 */
import { dictionaryOf } from '../../lib/dictionary';
import { describeContext } from '../../lib/learning/ope/describe-context';
import { evidenceOfDecision, type LoggedDecision } from '../../lib/learning/ope/logged-decision';
import { estimateValue } from '../../lib/learning/ope/policy-value';
import { prepareLog } from '../../lib/learning/ope/prepared-log';
import { indexOfLargest } from '../../lib/routing/judge/distribution';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import type { OutcomeMatrix } from '../policies/baselines';
import { encodeRow } from '../workloads/encode-row';
import type { WorkloadRow } from '../workloads/workload';

export interface LoggedRow {
  readonly row: WorkloadRow;
  readonly decision: RouteDecided;
}

interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface OffPolicyEstimate {
  /** Mean score of the policy on these rows. */
  readonly truth: number;
  /** Why the log cannot tell; null when it can. */
  readonly refused: string | null;
  readonly snips: Interval | null;
  readonly dr: Interval | null;
  readonly effectiveSampleSize: number | null;
}

/** Per policy: each model always, and the engine without its draws. `matrix` holds the logged rows, in their order. */
export function offPolicyReport(
  logged: readonly LoggedRow[],
  matrix: OutcomeMatrix,
): Record<string, OffPolicyEstimate> {
  const decisions: LoggedDecision[] = [];
  const sources: number[] = [];
  logged.forEach(({ row, decision }, index) => {
    const outcome = row.outcomes.get(decision.model);
    const encoded = encodeRow(row);
    const evidence = evidenceOfDecision(decision, {
      reward: outcome?.status === 'SUCCESS' ? outcome.score : outcome ? 0 : null,
      task: encoded.taskType,
      features: describeContext(encoded),
    });
    if (evidence === null) return;
    decisions.push(evidence);
    sources.push(index);
  });
  const log = prepareLog(decisions);
  const targetOf = (favourite: (decision: RouteDecided) => number) =>
    decisions.map(({ propensities }, i) => sharesOf(propensities, favourite(logged[sources[i]!]!.decision)));
  const targets: [string, number[][]][] = [
    ['engine, best utility', targetOf(({ candidates }) => bestUtility(candidates))],
    ...matrix.models.map(({ name }): [string, number[][]] => [
      `always ${name}`,
      targetOf(({ candidates }) => candidates.findIndex(({ model }) => model === name)),
    ]),
  ];
  return dictionaryOf(
    targets.map(([name, shares]) => {
      const found = estimateValue(log, (_, index) => shares[index]!);
      const estimated = found.kind === 'value' ? found : null;
      return [
        name,
        {
          truth: truthOf(decisions, sources, shares, matrix),
          refused: found.kind === 'refused' ? found.reason : null,
          snips: estimated && intervalOf(estimated.snips),
          dr: estimated && intervalOf(estimated.dr),
          effectiveSampleSize: estimated?.support.effectiveSampleSize ?? null,
        },
      ];
    }),
  );
}

function bestUtility(candidates: RouteDecided['candidates']): number {
  return indexOfLargest(candidates.map(({ eligible, utility }) => (eligible ? utility : Number.NEGATIVE_INFINITY)));
}

/** All on the favourite; evenly over what can be drawn where that cannot. */
function sharesOf(propensities: readonly number[], favourite: number): number[] {
  if ((propensities[favourite] ?? 0) > 0) return propensities.map((_, i) => (i === favourite ? 1 : 0));
  const drawable = propensities.filter((propensity) => propensity > 0).length;
  return propensities.map((propensity) => (propensity > 0 ? 1 / drawable : 0));
}

function truthOf(
  decisions: readonly LoggedDecision[],
  sources: readonly number[],
  shares: readonly (readonly number[])[],
  matrix: OutcomeMatrix,
): number {
  const columnOf = new Map(matrix.models.map(({ name }, column) => [name, column]));
  let sum = 0;
  decisions.forEach(({ models }, i) => {
    models.forEach((model, m) => {
      const share = shares[i]![m]!;
      if (share > 0) sum += share * matrix.scores[sources[i]! * matrix.models.length + columnOf.get(model)!]!;
    });
  });
  return sum / decisions.length;
}

function intervalOf({ value, low, high }: Interval): Interval {
  return { value, low, high };
}
