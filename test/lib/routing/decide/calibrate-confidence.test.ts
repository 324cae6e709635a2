import { calibrateConfidence } from '../../../../lib/routing/decide/calibrate-confidence';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { openedOf, threadOf, tuningOf } from '../fixtures';

test('straight between the middles of the steps, level outside', () => {
  const curve = [0.2, 0.6];
  for (const [raw, worth] of [
    [0, 0.2],
    [0.25, 0.2],
    [0.5, 0.4],
    [0.75, 0.6],
    [1, 0.6],
  ] as const)
    expect(calibrateConfidence(curve, raw)).toBeCloseTo(worth, 12);
});

test.each([[[]], [[0.5, Number.NaN]], [[2]], [[-1, 0.5]]])('%j is no curve and changes nothing', (curve) => {
  expect(calibrateConfidence(curve, 0.37)).toBe(0.37);
});

test('a decision states what its confidence is worth by the curve that is pinned, and keeps what the threads said', () => {
  const threads = [threadOf('BALANCED', [1, 0, 0], { confidence: 0.9 })];
  const opened = openedOf({ strategies: ['BALANCED'], explorationFloor: 0 });
  expect(recomputeDecision(opened, threads)).toMatchObject({ confidence: 0.9, rawConfidence: null });
  const tuning = tuningOf({ confidenceCurve: [0.5] });
  expect(recomputeDecision({ ...opened, tuning }, threads)).toMatchObject({ confidence: 0.5, rawConfidence: 0.9 });
});
