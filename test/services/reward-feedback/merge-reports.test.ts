import fc from 'fast-check';
import { maxModels } from '../../../lib/config/router-config';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { faultOf } from '../../../services/reward-feedback/check-outcome';
import {
  familyOfReport,
  laterIds,
  maxReports,
  mergeReport,
  outcomeId,
  wholeOf,
} from '../../../services/reward-feedback/merge-reports';
import { outcome } from './records';

const unsaid = { quality: null, costUsd: null, latencyMs: null, inputTokens: null, outputTokens: null } as const;

function takeAll(reports: readonly RouteOutcome[]) {
  let known: readonly RouteOutcome[] = [];
  const ids: string[] = [];
  const refused: RouteOutcome[] = [];
  for (const report of reports) {
    const merged = mergeReport(known, report);
    if (merged.kind === 'taken') {
      known = merged.reports;
      ids.push(merged.reportId);
    } else if (merged.kind !== 'known') refused.push(report);
  }
  return { whole: wholeOf(known)!, ids, refused, reports: [...known] };
}

describe('reports of one attempt', () => {
  test('told in parts, in any order and more than once, say what one report of all says', () => {
    const parts: Partial<RouteOutcome>[] = [
      { quality: 0.8 },
      { costUsd: 0.002 },
      { latencyMs: 900 },
      { inputTokens: 10, outputTokens: 20 },
      { rewardParts: { userFeedback: 1 } },
      { rewardParts: { __proto__word: 0.5, constructor: 0 } },
    ];
    const all = outcome('r', { rewardParts: { userFeedback: 1, __proto__word: 0.5, constructor: 0 } });
    fc.assert(
      fc.property(
        fc.shuffledSubarray(parts, { minLength: parts.length }),
        fc.array(fc.nat(parts.length - 1), { maxLength: 4 }),
        (order, again) => {
          const told = [...order, ...again.map((i) => parts[i]!)];
          const { whole, ids, refused } = takeAll(told.map((part) => outcome('r', { ...unsaid, ...part })));
          expect(whole).toEqual(all);
          expect(ids).toEqual(['r/1/0', 'r/1/0+1', 'r/1/0+2', 'r/1/0+3', 'r/1/0+4', 'r/1/0+5']);
          expect(refused).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each<[string, Partial<RouteOutcome>]>([
    ['quality', { quality: 0.7 }],
    ['costUsd', { costUsd: 0.003 }],
    ['latencyMs', { latencyMs: 901 }],
    ['inputTokens', { inputTokens: 11 }],
    ['outputTokens', { outputTokens: 21 }],
    ['status', { status: 'FAILURE' }],
    ['rewardParts.format', { rewardParts: { format: 0 } }],
  ])('another %s at the same revision is a contradiction, at a higher one a correction', (field, change) => {
    const first = outcome('r', { rewardParts: { format: 1 } });
    const merged = mergeReport([first], { ...first, ...change });
    expect(merged).toMatchObject({ kind: 'contradiction', field: 'revision' });
    expect((merged as { reason: string }).reason).toContain(`another ${field};`);
    const corrected = mergeReport([first], { ...first, ...change, revision: 1 });
    expect(corrected).toMatchObject({ kind: 'taken', reportId: 'r/1/1', before: first, whole: { ...change } });
  });

  test('a contradiction with any part of the same revision is found', () => {
    const { refused } = takeAll([
      outcome('r', { ...unsaid, costUsd: 1 }),
      outcome('r', { ...unsaid, quality: 1 }),
      outcome('r', { ...unsaid, costUsd: 2 }),
    ]);
    expect(refused).toMatchObject([{ costUsd: 2 }]);
  });

  test('within a revision a final judgement takes the place of a provisional one, whichever came first', () => {
    const provisional = outcome('r', { ...unsaid, quality: 0.2, provisional: true, source: 'guess' });
    const final = outcome('r', { ...unsaid, rewardParts: { userFeedback: 1 }, source: 'user' });
    for (const order of [
      [provisional, final],
      [final, provisional],
    ]) {
      const { whole } = takeAll(order);
      expect(whole).toMatchObject({
        quality: null,
        rewardParts: { userFeedback: 1 },
        provisional: false,
        source: 'user',
      });
    }
  });

  test('a cost that follows leaves a judgement as provisional as it was, and its source', () => {
    const { whole } = takeAll([
      outcome('r', { ...unsaid, quality: 0.2, provisional: true, source: 'guess' }),
      outcome('r', { ...unsaid, revision: 1, costUsd: 1, source: 'billing' }),
    ]);
    expect(whole).toMatchObject({ quality: 0.2, costUsd: 1, provisional: true, source: 'guess', revision: 1 });
  });

  test('a judgement without a word of how the call ended gives way to one that has it, whichever came first', () => {
    const failed = outcome('r', { ...unsaid, status: 'FAILURE', latencyMs: 500 });
    const judged = outcome('r', { ...unsaid, quality: 0.4 });
    for (const order of [
      [failed, judged],
      [judged, failed],
    ]) {
      const { whole, refused } = takeAll(order);
      expect([whole, refused]).toMatchObject([{ status: 'FAILURE', quality: 0.4, latencyMs: 500 }, []]);
    }
    const said = outcome('r', { ...unsaid, status: 'SUCCESS' });
    expect(mergeReport([said], failed)).toMatchObject({ kind: 'contradiction' });
    expect(mergeReport([failed], { ...judged, revision: 1 })).toMatchObject({ whole: { status: 'SUCCESS' } });
  });

  test('no id that an earlier report had is taken for one of a later report', () => {
    const reports = [
      outcome('r', { ...unsaid, costUsd: 1 }),
      outcome('r', { ...unsaid, revision: 1, quality: 0.5 }),
      outcome('r', { ...unsaid, revision: 1, latencyMs: 5 }),
      outcome('r', { ...unsaid, rewardParts: { user: 1 } }),
    ];
    const { ids } = takeAll(reports);
    expect(ids).toEqual(['r/1/0', 'r/1/1', 'r/1/1+1', 'r/1/0+1']);
    ids.forEach((_, i) => {
      const later = laterIds(reports.slice(0, i + 1));
      expect(ids.slice(0, i + 1).filter((id) => later.includes(id))).toEqual([]);
    });
    // What is looked for together is of one family, whatever the decision is called.
    expect(new Set([...ids, ...laterIds(reports)].map(familyOfReport))).toEqual(new Set(['r/1']));
    expect(familyOfReport(outcomeId({ decisionId: 'a/b', attempt: 2, revision: 3 }))).toBe('a/b/2');
    expect(laterIds(reports.slice(0, 1))).toEqual(expect.arrayContaining(['r/1/0+1', 'r/1/1']));
    expect(laterIds(reports.slice(0, 2))).toEqual(expect.arrayContaining(['r/1/0+1', 'r/1/1+1', 'r/1/2']));
  });

  test('an attempt has one model and a model one attempt', () => {
    const first = outcome('r');
    expect(mergeReport([first], outcome('r', { model: 'alpha', revision: 1 }))).toMatchObject({
      kind: 'refused',
      field: 'model',
    });
    expect(mergeReport([first], outcome('r', { attempt: 2 }))).toMatchObject({ kind: 'refused', field: 'model' });
    expect(mergeReport([first], outcome('r', { attempt: 2, model: 'alpha' }))).toMatchObject({
      kind: 'taken',
      before: undefined,
    });
  });

  test('so many reports of a decision are taken and no more', () => {
    const many = Array.from({ length: maxReports + 5 }, (_, revision) => outcome('r', { revision, quality: 0.5 }));
    const { ids, refused } = takeAll(many);
    expect(ids).toHaveLength(maxReports);
    expect(refused).toHaveLength(5);
  });
});

test('the largest row, of as many reports as are taken with the longest names, fits beside its event into a record', () => {
  // Three bytes a character.
  const long = (length: number, i: number): string => `${'語'.repeat(length - 3)}${String(i).padStart(3, '0')}`;
  const rewardParts = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [long(64, i), 0.5]));
  const largest = outcome(long(200, 0), {
    routingKey: long(200, 1),
    model: long(200, 2),
    source: long(200, 3),
    rewardParts,
  });
  const reports = Array.from({ length: maxReports }, (_, revision) => ({ ...largest, revision }));
  expect(reports.map(faultOf)).toEqual(reports.map(() => null));
  const providers = Array.from({ length: maxModels }, (_, i) => long(200, i));
  const row = {
    decisionId: long(200, 0),
    opened: null,
    decided: null,
    outcomes: takeAll(reports).reports,
    firstSeenMs: 1,
    rewarded: true,
    event: null,
    providers,
    expectedLatenciesMs: providers.map(() => 1),
    predictedQualities: providers.map(() => 0.5),
    accounts: [],
    exposures: [],
    tenantSettings: [],
  };
  expect(row.outcomes).toHaveLength(maxReports);
  // An event of as many models has less than a third of a megabyte.
  expect(topics.awaitedOutcomes.codec.encode(row).length).toBeLessThan(500_000);
});
