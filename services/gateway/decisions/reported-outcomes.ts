/**
 * The reports this gateway has taken lately, so that a contradiction can be answered at once. Reports that another gateway
 * took are known to reward-feedback alone, which judges by the same function and puts a contradiction among the dead letters.
 */
import { LRUCache } from 'lru-cache';
import { newestEntries } from '../../../lib/newest-entries';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { type Merged, mergeReport } from '../../reward-feedback/merge-reports';

export interface ReportedOutcomes {
  /** Reports of this decision, in order of attempts. */
  of(decisionId: string): readonly RouteOutcome[];
  /** What becomes of a report, and remembers it where it is taken. */
  take(outcome: RouteOutcome): Merged;
  /** Whether all that the log may say of this decision is known here: it was decided here, or its reports were recalled. */
  isKnown(decisionId: string): boolean;
  /** From now on it is known: with what the log has of it, in order, where this gateway was not there from the beginning. */
  know(decisionId: string, inLog?: readonly RouteOutcome[]): void;
  /** The report did not become durable after all. */
  forget(outcome: RouteOutcome): void;
}

/** Beyond so many reports the decisions reported on longest ago are forgotten. */
export function createReportedOutcomes(maxReports: number): ReportedOutcomes {
  const known = newestEntries<string, true>(maxReports);
  const byDecision = new LRUCache<string, readonly RouteOutcome[]>({
    maxSize: maxReports,
    sizeCalculation: (reports) => reports.length,
    dispose(_reports, decisionId, why) {
      if (why === 'evict') known.delete(decisionId);
    },
  });
  const set = (decisionId: string, reports: readonly RouteOutcome[]): void => {
    if (reports.length > 0) byDecision.set(decisionId, reports);
    else byDecision.delete(decisionId);
  };
  const reportsOf = (decisionId: string): readonly RouteOutcome[] => byDecision.peek(decisionId) ?? [];
  const take = (outcome: RouteOutcome): Merged => {
    const merged = mergeReport(reportsOf(outcome.decisionId), outcome);
    if (merged.kind !== 'taken') return merged;
    set(outcome.decisionId, merged.reports);
    return merged;
  };
  return {
    of: reportsOf,
    take,
    isKnown: (decisionId) => known.has(decisionId),
    know(decisionId, inLog = []) {
      if (known.has(decisionId)) return;
      known.set(decisionId, true);
      for (const outcome of inLog) take(outcome);
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
