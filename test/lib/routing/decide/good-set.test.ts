import fc from 'fast-check';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { restrictToSet } from '../../../../lib/routing/decide/good-set';
import type { RouteOpened } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { anyOpened, openedOf, sum, threadOf, tuningOf } from '../fixtures';

const rule = { coverage: 0.9, choose: 'draw', mostModels: 1, safeModel: null };
const tuning = tuningOf({ setGaps: { 0.8: 0.05, 0.9: 0.2 } });
/** large .8, small .65, swift .3. */
const learned = threadOf('LEARNING_OPTIMIZED', [0.7, 0.2, 0.1], { qualities: [0.8, 0.65, 0.3] });

function openedWith(sets: Partial<NonNullable<RouteOpened['sets']>>, changes: Partial<RouteOpened> = {}): RouteOpened {
  return openedOf({
    tuning,
    strategies: ['LEARNING_OPTIMIZED'],
    explorationFloor: 0,
    sets: { ...rule, ...sets },
    ...changes,
  });
}

test('the set holds the eligible candidates within the gap of its coverage, and the draw stays as it was', () => {
  const decision = recomputeDecision(openedWith({}), [learned]);
  expect(decision.goodSet).toEqual({ coverage: 0.9, models: ['large', 'small'], taken: null });
  expect(decision.candidates.map(({ propensity }) => propensity)).toEqual(
    [0.7, 0.2, 0.1].map((share) => expect.closeTo(share, 9)),
  );
  expect(recomputeDecision(openedWith({ coverage: 0.8 }), [learned]).goodSet!.models).toEqual(['large']);
  const [large, ...others] = openedOf().candidates;
  const without = openedWith({}, { candidates: [{ ...large!, eligible: false }, ...others] });
  expect(
    recomputeDecision(without, [threadOf('LEARNING_OPTIMIZED', [0, 1, 0], { qualities: [0.8, 0.65, 0.3] })]).goodSet!
      .models,
  ).toEqual(['small']);
});

test('the cheapest of the set is taken, with the floor of exploration under the others', () => {
  const decision = recomputeDecision(openedWith({ choose: 'cheapest' }, { explorationFloor: 0.03 }), [learned]);
  expect(decision.goodSet!.taken).toBe('cheapest');
  expect(decision.candidates.map(({ propensity }) => propensity)).toEqual(
    [0.01, 0.98, 0.01].map((share) => expect.closeTo(share, 9)),
  );
  expect(decision.reasoning).toContain('the rule takes the cheapest of them');
});

test('where the set is large the safe model is taken, elsewhere the draw decides', () => {
  const safe = { choose: 'safe', safeModel: 'swift' };
  expect(recomputeDecision(openedWith(safe), [learned])).toMatchObject({ model: 'swift', goodSet: { taken: 'safe' } });
  expect(recomputeDecision(openedWith({ ...safe, mostModels: 2 }), [learned]).goodSet!.taken).toBeNull();
  expect(recomputeDecision(openedWith({ ...safe, safeModel: 'gone' }), [learned]).goodSet!.taken).toBeNull();
});

test('no set where none is asked for, none is known, or nobody has learned', () => {
  const shares = [0.7, 0.2, 0.1];
  for (const [opened, thread] of [
    [openedWith({}, { sets: null }), learned],
    [openedWith({ coverage: 0.95, choose: 'cheapest' }), learned],
    [openedWith({ choose: 'cheapest' }), threadOf('BALANCED', shares)],
    [openedWith({ choose: 'cheapest' }), { ...learned, coldStart: true }],
  ] as const) {
    expect(restrictToSet(opened, [thread], shares)).toEqual({ goodSet: null, probabilities: shares });
  }
});

test('whatever is judged, propensities sum to 1 and the record survives its codec', () => {
  fc.assert(
    fc.property(anyOpened, fc.constantFrom('draw', 'cheapest', 'safe', 'other'), (any, choose) => {
      const qualities = any.candidates.map((_, i) => (i % 7) / 7);
      const opened = { ...any, tuning, cached: null, sets: { ...rule, choose, safeModel: any.candidates[0]!.model } };
      const even = any.candidates.map(() => 1 / any.candidates.length);
      const thread = threadOf('LEARNING_OPTIMIZED', even, { qualities, utilities: qualities });
      const decision = recomputeDecision({ ...opened, strategies: ['LEARNING_OPTIMIZED'] }, [thread]);
      expect(sum(decision.candidates.map(({ propensity }) => propensity))).toBeCloseTo(1, 9);
      const record = {
        ...decision,
        stagesMs: { queued: 0, intake: 0, strategies: 0, collapse: 0, total: 0 },
        positions: {},
        decidedAtMs: 0,
      };
      expect(topics.routeDecided.codec.decode(topics.routeDecided.codec.encode(record))).toMatchObject({
        goodSet: decision.goodSet,
      });
    }),
  );
});
