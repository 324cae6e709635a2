/**
 * The reports this gateway has taken lately, so that a contradiction can be answered at once. Reports that another gateway
 * took are known to reward-feedback alone, which judges by the same function and puts a contradiction among the dead letters.
 */
import type { RouteOutcome } from '../../lib/topics/generated/messages';
import { type Merged, mergeReport } from '../reward-feedback/merge-reports';

export interface ReportedOutcomes {
  /** Reports of this decision, in order of attempts. */
  of(decisionId: string): readonly RouteOutcome[];
  /** What becomes of a report, and remembers it where it is taken. */
  take(outcome: RouteOutcome): Merged;
  /** The report did not become durable after all. */
  forget(outcome: RouteOutcome): void;
}

/** Beyond so many reports the decisions reported on longest ago are forgotten. */
export function createReportedOutcomes(maxReports: number): ReportedOutcomes {
  // A Map iterates in order of insertion, so the first key is the oldest.
  const byDecision = new Map<string, readonly RouteOutcome[]>();
  let count = 0;
  const set = (decisionId: string, reports: readonly RouteOutcome[]): void => {
    count += reports.length - (byDecision.get(decisionId)?.length ?? 0);
    byDecision.delete(decisionId);
    if (reports.length > 0) byDecision.set(decisionId, reports);
  };
  const reportsOf = (decisionId: string): readonly RouteOutcome[] => byDecision.get(decisionId) ?? [];
  return {
    of: reportsOf,
    take(outcome) {
      const merged = mergeReport(reportsOf(outcome.decisionId), outcome);
      if (merged.kind !== 'taken') return merged;
      set(outcome.decisionId, merged.reports);
      for (const [oldest] of byDecision) {
        if (count <= maxReports) break;
        set(oldest, []);
      }
      return merged;
    },
    forget(outcome) {
      const reports = reportsOf(outcome.decisionId);
      set(
        outcome.decisionId,
        reports.filter((report) => report !== outcome),
      );
    },
  };
}
