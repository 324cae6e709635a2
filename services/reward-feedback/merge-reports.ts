/**
 * What several reports of one decision say together. Callers report when they know something: the cost at once, a judgement
 * hours later. So the reports of an attempt are merged field by field, whatever came first; only what says two things at
 * once is refused. The gateway answers by this function and reward-feedback joins by it.
 */
import { ownEntry } from '../../lib/dictionary';
import type { RouteOutcome } from '../../lib/topics/generated/messages';

/** Reports of one decision that are kept apart, all attempts together: what one row holds at most. */
export const maxReports = 32;

export type Merged =
  | {
      readonly kind: 'taken';
      /** Unique among all that is ever taken of this decision: names what follows from the report. */
      readonly reportId: string;
      /** All of the attempt before this report, and with it. */
      readonly before: RouteOutcome | undefined;
      readonly whole: RouteOutcome;
      /** All of the attempt with this report, in order of arrival. */
      readonly ofAttempt: readonly RouteOutcome[];
      /** All reports of the decision, in order of attempts and, within one, of arrival. */
      readonly reports: readonly RouteOutcome[];
    }
  /** It says nothing that is not known, or only what a higher revision has corrected. */
  | { readonly kind: 'known'; readonly superseded: boolean }
  | { readonly kind: 'contradiction' | 'refused'; readonly field: string; readonly reason: string };

/** The report that came first stands. */
export function mergeReport(reports: readonly RouteOutcome[], outcome: RouteOutcome): Merged {
  const ofAttempt = reports.filter(({ attempt }) => attempt === outcome.attempt);
  const named = ofAttempt[0];
  if (named && named.model !== outcome.model) {
    const reason = `is ${outcome.model}, but revision ${named.revision} of this attempt named ${named.model}`;
    return { kind: 'refused', field: 'model', reason };
  }
  const elsewhere = reports.find(({ attempt, model }) => attempt !== outcome.attempt && model === outcome.model);
  if (elsewhere) {
    const reason = `${outcome.model} was reported as attempt ${elsewhere.attempt}: a decision has one report per model, to be corrected by its revision`;
    return { kind: 'refused', field: 'model', reason };
  }
  const contradicted = contradictionOf(
    ofAttempt.filter(({ revision }) => revision === outcome.revision),
    outcome,
  );
  if (contradicted) {
    const reason = `${outcome.revision} of this attempt has said another ${contradicted}; a correction needs a higher revision`;
    return { kind: 'contradiction', field: 'revision', reason };
  }
  const before = wholeOf(ofAttempt);
  const whole = wholeOf([...ofAttempt, outcome])!;
  if (before && outcome.revision <= before.revision && saysTheSame(before, whole)) {
    return { kind: 'known', superseded: outcome.revision < before.revision };
  }
  if (reports.length >= maxReports) {
    const reason = `is of the ${maxReports + 1}th report of this decision; at most ${maxReports} are taken`;
    return { kind: 'refused', field: 'revision', reason };
  }
  return {
    kind: 'taken',
    reportId: reportId(ofAttempt, outcome),
    before,
    whole,
    ofAttempt: [...ofAttempt, outcome],
    // Sorting is stable: within an attempt they stay as they came.
    reports: [...reports, outcome].sort((a, b) => a.attempt - b.attempt),
  };
}

/** Unique per decision, attempt and revision. */
export function outcomeId(outcome: Pick<RouteOutcome, 'decisionId' | 'attempt' | 'revision'>): string {
  return `${outcome.decisionId}/${outcome.attempt}/${outcome.revision}`;
}

/** What the ids of all reports of one attempt have in common. */
export function familyOfReport(id: string): string {
  return id.slice(0, id.lastIndexOf('/'));
}

/** Of the newest report of an attempt, given all of it in order of arrival. Undefined where there is none. */
export function newestReportId(ofAttempt: readonly RouteOutcome[]): string | undefined {
  const newest = ofAttempt.at(-1);
  return newest && reportId(ofAttempt.slice(0, -1), newest);
}

/** Further reports of one revision are numbered as they came: the log has them in one order, however often it is read. */
function reportId(earlier: readonly RouteOutcome[], outcome: RouteOutcome): string {
  const same = earlier.filter(({ revision }) => revision === outcome.revision).length;
  return same === 0 ? outcomeId(outcome) : `${outcomeId(outcome)}+${same}`;
}

/**
 * Ids that reports after these may have. After a crash a report may be read again alone whose event was written together
 * with later ones: what those wrote is the newer word. Corrections come one by one, so a few revisions are looked at.
 */
export function laterIds(ofAttempt: readonly RouteOutcome[]): string[] {
  const first = ofAttempt[0];
  if (!first) return [];
  const { decisionId, attempt } = first;
  const taken = new Map<number, number>();
  for (const { revision } of ofAttempt) taken.set(revision, (taken.get(revision) ?? 0) + 1);
  const highest = Math.max(...taken.keys());
  const further = maxReports - ofAttempt.length;
  const parts = [...taken].flatMap(([revision, count]) => {
    const id = outcomeId({ decisionId, attempt, revision });
    return Array.from({ length: further }, (_, i) => `${id}+${count + i}`);
  });
  const corrections = Array.from({ length: laterRevisions }, (_, i) =>
    outcomeId({ decisionId, attempt, revision: highest + i + 1 }),
  );
  return [...parts, ...corrections];
}

const laterRevisions = 8;

/** The reports of one attempt as one outcome; undefined where there is none. */
export function wholeOf(ofAttempt: readonly RouteOutcome[]): RouteOutcome | undefined {
  let whole: RouteOutcome | undefined;
  // Within one revision a final judgement comes last, so that it takes the place of a provisional one.
  const inOrder = [...ofAttempt].sort((a, b) => a.revision - b.revision || finality(a) - finality(b));
  for (const report of inOrder) whole = whole ? corrected(whole, report) : report;
  return whole;
}

function finality({ provisional }: RouteOutcome): number {
  return provisional ? 0 : 1;
}

/**
 * A report together with what it leaves unsaid: null means "not known" and never "taken back". Parts of a judgement add up
 * too, user feedback to a judge's quality; but a final judgement takes the place of a provisional one as a whole.
 */
function corrected(used: RouteOutcome, outcome: RouteOutcome): RouteOutcome {
  const judges = isJudgement(outcome);
  const kept = judges && used.provisional && !outcome.provisional ? { quality: null, rewardParts: {} } : used;
  // Who judged, and whether for good, is a matter of the judgement and not of a cost that follows.
  const speaker = judges || !isJudgement(used) ? outcome : used;
  return {
    ...outcome,
    status: outcome.revision === used.revision && assumesStatus(outcome) ? used.status : outcome.status,
    quality: outcome.quality ?? kept.quality,
    rewardParts: { ...kept.rewardParts, ...outcome.rewardParts },
    latencyMs: outcome.latencyMs ?? used.latencyMs,
    inputTokens: outcome.inputTokens ?? used.inputTokens,
    outputTokens: outcome.outputTokens ?? used.outputTokens,
    costUsd: outcome.costUsd ?? used.costUsd,
    firstTokenMs: outcome.firstTokenMs ?? used.firstTokenMs,
    cachedInputTokens: outcome.cachedInputTokens ?? used.cachedInputTokens,
    reasoningTokens: outcome.reasoningTokens ?? used.reasoningTokens,
    finishReason: outcome.finishReason ?? used.finishReason,
    retryAfterMs: outcome.retryAfterMs ?? used.retryAfterMs,
    source: speaker.source,
    provisional: speaker.provisional,
  };
}

/**
 * SUCCESS is what stands where nobody said how the call ended. A judgement or a bill alone does not know: it gives way to
 * what another report of the same revision says, whichever came first.
 */
function assumesStatus(outcome: RouteOutcome): boolean {
  const { status, latencyMs, costUsd, inputTokens, outputTokens } = outcome;
  if (status !== 'SUCCESS' || latencyMs !== null) return false;
  return isJudgement(outcome) || costUsd !== null || inputTokens !== null || outputTokens !== null;
}

function isJudgement({ quality, rewardParts }: RouteOutcome): boolean {
  return quality !== null || Object.keys(rewardParts).length > 0;
}

const figures = [
  ...(['quality', 'latencyMs', 'costUsd', 'inputTokens', 'outputTokens'] as const),
  ...(['firstTokenMs', 'cachedInputTokens', 'reasoningTokens', 'finishReason', 'retryAfterMs'] as const),
];

/** What a report says otherwise than another one of the same revision; null where they agree or speak of different things. */
function contradictionOf(sameRevision: readonly RouteOutcome[], outcome: RouteOutcome): string | null {
  for (const said of sameRevision) {
    if (said.status !== outcome.status && !assumesStatus(said) && !assumesStatus(outcome)) return 'status';
    for (const figure of figures) {
      if (said[figure] !== null && outcome[figure] !== null && said[figure] !== outcome[figure]) return figure;
    }
    for (const [name, value] of Object.entries(outcome.rewardParts)) {
      const before = ownEntry(said.rewardParts, name);
      if (before !== undefined && before !== value) return `rewardParts.${name}`;
    }
  }
  return null;
}

function saysTheSame(a: RouteOutcome, b: RouteOutcome): boolean {
  const parts = Object.entries(b.rewardParts);
  return (
    a.status === b.status &&
    figures.every((figure) => a[figure] === b[figure]) &&
    parts.length === Object.keys(a.rewardParts).length &&
    parts.every(([name, value]) => ownEntry(a.rewardParts, name) === value) &&
    a.provisional === b.provisional
  );
}
