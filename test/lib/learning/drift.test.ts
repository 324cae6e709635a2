import { createDrift, observeInnovation } from '../../../lib/learning/drift';
import { seededRandom } from '../../../lib/random/seeded';

test('noise alone moves the offset little and raises no alarm', () => {
  const drift = createDrift();
  const random = seededRandom(4, 'drift');
  let alarms = 0;
  for (let i = 0; i < 2000; i++) if (observeInnovation(drift, random.normal(), 1)) alarms++;
  expect(alarms).toBe(0);
  expect(Math.abs(drift.offset)).toBeLessThan(0.3);
});

test.each([-1.5, 1.5])('a shift of %d deviations is noticed and followed', (shift) => {
  const drift = createDrift();
  const random = seededRandom(4, 'drift');
  let alarmAt = -1;
  for (let i = 0; i < 150; i++) {
    if (observeInnovation(drift, shift + random.normal() - drift.offset, 1) && alarmAt < 0) alarmAt = i;
  }
  expect(alarmAt).toBeGreaterThan(5);
  expect(alarmAt).toBeLessThan(40);
  expect(Math.sign(shift) * drift.offset).toBeGreaterThan(0.9);
});

test('one absurd reward is no drift', () => {
  const drift = createDrift();
  expect(observeInnovation(drift, 1e9, 1)).toBe(false);
  expect(drift.offset).toBeLessThan(0.01);
});
