import fc from 'fast-check';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { preferenceUnder, whatIf } from '../../../../lib/routing/decide/what-if';
import { judgeThread } from '../../../../lib/routing/judge/judge-thread';
import type { Candidate } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { anyOpened, candidateOf, openedOf } from '../fixtures';

const nothing = { preference: {}, limits: {}, priceFactors: new Map<string, number>() };
const asked = ['BALANCED', 'COST_EFFICIENT', 'TASK_OPTIMIZED'] as const;

test('with nothing else wanted it is the decision that was made', () => {
  fc.assert(
    fc.property(anyOpened, (any) => {
      const opened = {
        ...any,
        cached: null,
        strategies: [...asked],
        limits: noLimits,
        candidates: any.candidates.map((one) => ({
          ...one,
          health: 'CLOSED' as const,
          eligible: true,
          ineligibleReason: null,
        })),
      };
      const threads = asked.map((strategy) => judgeThread(strategy, opened, null));
      const found = whatIf(opened, nothing, null);
      expect(found).toEqual({ kind: 'decision', decision: recomputeDecision(opened, threads) });
    }),
  );
});

const dear = candidateOf('dear', 'one', { expectedQuality: 0.9, expectedCostUsd: 0.1 });
const cheap = candidateOf('cheap', 'two', { expectedQuality: 0.8, expectedCostUsd: 0.001 });
const opened = openedOf({
  candidates: [
    dear,
    cheap,
    candidateOf('blind', 'two', {
      eligible: false,
      ineligibleReason: 'requiredCapabilities: lacks vision',
      bar: { field: 'requiredCapabilities', kind: 'lacking', capability: 'vision', share: null },
    }),
  ],
  strategies: ['BALANCED'],
  preference: { quality: 1, cost: 1, latency: 0 },
  explorationFloor: 0,
});

function barred(candidate: Candidate, field: string, kind: string): Candidate {
  const bar = { field, kind, capability: null, share: null };
  return { ...candidate, eligible: false, ineligibleReason: 'in any words', bar };
}

test('a limit shuts out and, taken away, lets in; what shut out for another reason stays out', () => {
  const limited = whatIf(opened, { ...nothing, limits: { ...noLimits, maxCostUsd: 0.01 } }, null);
  if (limited.kind !== 'decision') throw new Error(limited.reason);
  expect(limited.decision.candidates.map(({ eligible }) => eligible)).toEqual([false, true, false]);
  expect(limited.decision.candidates[2]!.ineligibleReason).toMatch(/lacks vision/);
  expect(limited.decision.model).toBe('cheap');
  const shut = { ...opened, candidates: [barred(dear, 'limits.maxCostUsd', 'tooDear'), cheap] };
  const free = whatIf(shut, { ...nothing, limits: noLimits }, null);
  if (free.kind !== 'decision') throw new Error(free.reason);
  expect(free.decision.candidates.map(({ eligible }) => eligible)).toEqual([true, true]);
});

test('a model that only makes embeddings comes in where it is named alone; one from before bars were pinned stays out', () => {
  const embedding = barred(dear, 'limits.allowedModels', 'embedsOnly');
  const eligibleOf = (first: Candidate, allowedModels: string[]): boolean[] => {
    const found = whatIf(
      { ...opened, candidates: [first, cheap] },
      { ...nothing, limits: { ...noLimits, allowedModels } },
      null,
    );
    if (found.kind !== 'decision') throw new Error(found.reason);
    return found.decision.candidates.map(({ eligible }) => eligible);
  };
  expect(eligibleOf(embedding, [])).toEqual([false, true]);
  expect(eligibleOf(embedding, ['dear', 'cheap'])).toEqual([true, true]);
  expect(eligibleOf({ ...embedding, bar: null }, ['dear', 'cheap'])).toEqual([false, true]);
});

test('what is left out of a change stays as it was', () => {
  const limited = { ...opened, limits: { ...noLimits, deniedModels: ['dear'] } };
  const later = whatIf(limited, { ...nothing, limits: { maxLatencyMs: 1e6 } }, null);
  if (later.kind !== 'decision') throw new Error(later.reason);
  expect(later.decision.candidates.map(({ eligible }) => eligible)).toEqual([false, true, false]);
  const change = { ...nothing, preference: { cost: 0 } };
  expect(preferenceUnder(opened, change)).toEqual({ quality: 1, cost: 0, latency: 0 });
  const better = whatIf(opened, change, null);
  expect(better).toMatchObject({ kind: 'decision', decision: { model: 'dear' } });
});

test('a price changes what a model costs, and with it what it is worth', () => {
  const before = whatIf(opened, nothing, null);
  const after = whatIf(opened, { ...nothing, priceFactors: new Map([['cheap', 1_000]]) }, null);
  if (before.kind !== 'decision' || after.kind !== 'decision') throw new Error('refused');
  expect(after.decision.candidates[1]!.expectedCostUsd).toBeCloseTo(1);
  expect(after.decision.candidates[1]!.utility).toBeLessThan(before.decision.candidates[1]!.utility);
  expect(after.decision.candidates[0]!.utility).toBeCloseTo(before.decision.candidates[0]!.utility);
});

test('where nobody is left, it says what shuts most of them out', () => {
  expect(whatIf(opened, { ...nothing, limits: { ...noLimits, maxCostUsd: 1e-9 } }, null)).toMatchObject({
    kind: 'refused',
    field: 'limits.maxCostUsd',
  });
});
