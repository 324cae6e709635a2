/**
 * The reports this gateway has taken lately, so that a contradiction can be answered at once. Reports that another gateway
 * took are known to reward-feedback alone, which judges by the same function and puts a contradiction among the dead letters.
 */
import { LRUCache } from 'lru-cache';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
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

interface Reported {
  readonly isKnown: boolean;
  readonly packed: readonly string[];
}

const nothing: Reported = { isKnown: false, packed: [] };
const nothingYet: Reported = { isKnown: true, packed: [] };

/** Of so many decisions, with no more reports than that together: what came to be known or was reported on longest ago is forgotten. */
export function createReportedOutcomes(maxReports: number): ReportedOutcomes {
  const byDecision = new LRUCache<string, Reported>({
    maxSize: maxReports,
    sizeCalculation: ({ packed }) => Math.max(1, packed.length),
  });
  const of = (decisionId: string): Reported => byDecision.peek(decisionId) ?? nothing;
  const reportsOf = (decisionId: string): readonly RouteOutcome[] => of(decisionId).packed.map(unpack);
  const take = (outcome: RouteOutcome): Merged => {
    const { decisionId } = outcome;
    const merged = mergeReport(reportsOf(decisionId), outcome);
    if (merged.kind !== 'taken') return merged;
    byDecision.set(decisionId, { isKnown: of(decisionId).isKnown, packed: merged.reports.map(pack) });
    return merged;
  };
  return {
    of: reportsOf,
    take,
    isKnown: (decisionId) => of(decisionId).isKnown,
    know(decisionId, inLog = []) {
      const { isKnown, packed } = of(decisionId);
      if (isKnown) return;
      byDecision.set(decisionId, packed.length === 0 ? nothingYet : { isKnown: true, packed });
      for (const outcome of inLog) take(outcome);
    },
    forget(outcome) {
      const { isKnown, packed } = of(outcome.decisionId);
      const forgotten = pack(outcome);
      const others = packed.filter((report) => report !== forgotten);
      if (others.length > 0 || isKnown) byDecision.set(outcome.decisionId, { isKnown, packed: others });
      else byDecision.delete(outcome.decisionId);
    },
  };
}

/**
 * Its record, a character for each byte: few reports are ever looked at again, and as an object each is 700 bytes on V8's heap, which
 * the collector walks over, where this takes some 150.
 */
function pack(outcome: RouteOutcome): string {
  return topics.routeOutcome.codec.encode(outcome).toString('latin1');
}

function unpack(packed: string): RouteOutcome {
  return topics.routeOutcome.codec.decode(Buffer.from(packed, 'latin1'));
}
