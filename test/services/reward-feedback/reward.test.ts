import { eventOf } from '../../../services/reward-feedback/reward';
import { decided, opened } from './records';

test('an event says what declared beliefs would have chosen, and what that was expected to be worth', () => {
  const bare = opened('r1');
  const candidates = bare.candidates.map((candidate, i) => ({
    ...candidate,
    expectedQuality: 0.6,
    declared: { quality: 0.5 + 0.1 * i, costUsd: 0.001, latencyMs: 1_000 },
  }));
  // Charlie is declared best, but cannot serve; two thirds of the utility are quality, a third is cost.
  expect(eventOf({ ...bare, candidates }, decided('r1')).safe).toEqual({
    model: 'bravo',
    expectedUtility: expect.closeTo((2 / 3) * 0.6 - (1 / 3) * (0.002 / 0.01), 9),
  });
  expect(eventOf(bare, decided('r1')).safe).toBeNull();
});

test('an event names the arms that its request takes part in', () => {
  const exposure = (experiment: string, arm: string) => ({
    ...{ experiment, arm, definition: 'a', armIndex: 0, unit: 'u' },
    ...{ expectedQuality: 0.5, expectedCostUsd: 0.001, expectedLatencyMs: 500 },
  });
  const exposures = [exposure('collapse', 'weighted'), exposure('floor', 'control')];
  expect(eventOf(opened('r1'), decided('r1', { exposures })).arms).toEqual(['collapse/weighted', 'floor/control']);
});
