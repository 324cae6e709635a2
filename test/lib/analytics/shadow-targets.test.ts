/** What a shadow would have drawn with is what it draws with where it decides. */
import fc from 'fast-check';
import { type Shadow, shadowDraw } from '../../../lib/analytics/shadow-targets';
import { recomputeDecision } from '../../../lib/routing/decide/decide';
import { judgeThread } from '../../../lib/routing/judge/judge-thread';
import type { StrategyScored } from '../../../lib/topics/generated/messages';
import { anyOpened, configOf, openedOf, threadOf } from '../routing/fixtures';
import { policyOf } from '../routing/kept';

const base = configOf();
const drawOf = (shadow: Shadow, opened = openedOf()) => shadowDraw(shadow, { opened, base, learned: null });

test('a strategy alone draws as it would if nobody else had been asked', () => {
  fc.assert(
    fc.property(anyOpened, fc.constantFrom('BALANCED', 'COST_EFFICIENT', 'PERFORMANCE'), (any, strategy) => {
      const alone = {
        ...any,
        cached: null,
        strategies: [strategy],
        collapse: 'FIRST_SUCCESS',
        sets: null,
        budgets: [],
      };
      if (!alone.candidates.some(({ eligible }) => eligible)) return;
      const decision = recomputeDecision(alone, [judgeThread(strategy as 'BALANCED', alone, null)]);
      const drawn = drawOf({ kind: 'strategy', strategy: strategy as 'BALANCED' }, any);
      expect(drawn!.propensities).toEqual(decision.candidates.map(({ propensity }) => propensity));
    }),
  );
});

test('a program of somebody else is taken at its word, if that is a judgement', () => {
  const scoredBy = (probabilities: number[], status: 'SUCCESS' | 'FAILED' = 'SUCCESS'): Shadow => {
    const record: StrategyScored = {
      requestId: 'r1',
      routingKey: 'r1',
      group: 'theirs',
      threads: [threadOf('THEIRS', probabilities, { status })],
      scoredAtMs: 0,
    };
    return { kind: 'group', scored: new Map([['r1', record]]) };
  };
  const opened = openedOf({ explorationFloor: 0 });
  expect(drawOf(scoredBy([0, 0.25, 0.75]), opened)!.propensities).toEqual([0, 0.25, 0.75]);
  for (const nonsense of [
    [0, 0],
    [0.9, 0.9, 0.9],
    [Number.NaN, 0, 1],
    [-1, 1, 1],
  ])
    expect(drawOf(scoredBy(nonsense), opened)).toBeNull();
  expect(drawOf(scoredBy([0, 0.25, 0.75], 'FAILED'), opened)).toBeNull();
  expect(drawOf({ kind: 'group', scored: new Map() }, opened)).toBeNull();
  expect(drawOf({ kind: 'policy', learned: null }, opened)).toBeNull();
});

test('a configuration says how much of its draws the log cannot judge', () => {
  const models = [...base.models, { ...base.models[0]!, name: 'new', provider: 'gamma', expectedQuality: 1 }];
  const config = configOf({ models, strategies: ['TASK_OPTIMIZED'], explorationFloor: 0 });
  const drawn = drawOf({ kind: 'config', config })!;
  expect(drawn.unknown).toBeGreaterThan(0.5);
  expect(drawOf({ kind: 'config', config: base })!.unknown).toBeCloseTo(0, 9);
});

test('other weights change nothing where they are gone, or where nobody learned is asked', () => {
  const opened = openedOf({ strategies: ['BALANCED'] });
  expect(drawOf({ kind: 'weights', learned: null }, opened)).toBeNull();
  const drawn = drawOf({ kind: 'weights', learned: policyOf() }, opened)!;
  expect(drawn.propensities).toEqual(drawOf({ kind: 'config', config: base }, opened)!.propensities);
});

test('where the learned strategy decides, other weights decide otherwise', () => {
  const opened = openedOf({ strategies: ['LEARNING_OPTIMIZED'], explorationFloor: 0, cached: null });
  const config = configOf({ strategies: ['LEARNING_OPTIMIZED'], explorationFloor: 0 });
  const drawn = shadowDraw({ kind: 'weights', learned: policyOf() }, { opened, base: config, learned: null });
  expect(drawn!.propensities).not.toEqual(
    shadowDraw({ kind: 'config', config }, { opened, base: config, learned: null })!.propensities,
  );
});
