import { createDrift, observeInnovation, watchedShare } from '../../../../lib/learning/fold/drift';
import { seededRandom } from '../../../../lib/random/seeded';

test('noise alone moves the offset little and raises no alarm', () => {
  const drift = createDrift();
  const random = seededRandom(4, 'drift');
  let alarms = 0;
  for (let i = 0; i < 2000; i++) if (observeInnovation(drift, random.normal(), 1, i)) alarms++;
  expect(alarms).toBe(0);
  expect(Math.abs(drift.offset)).toBeLessThan(0.3);
});

test.each([-1.5, 1.5])('a shift of %d deviations is noticed and followed', (shift) => {
  const drift = createDrift();
  const random = seededRandom(4, 'drift');
  let alarmAt = -1;
  for (let i = 0; i < 150; i++) {
    if (observeInnovation(drift, shift + random.normal() - drift.offset, 1, i) && alarmAt < 0) alarmAt = i;
  }
  expect(alarmAt).toBeGreaterThan(5);
  expect(alarmAt).toBeLessThan(40);
  expect(Math.sign(shift) * drift.offset).toBeGreaterThan(0.9);
});

test('one absurd reward is no drift', () => {
  const drift = createDrift();
  expect(observeInnovation(drift, 1e9, 1, 1)).toBe(false);
  expect(drift.offset).toBeLessThan(0.01);
});

describe('a model that has got worse', () => {
  /** Follows a quality that is `shift` deviations off for so many rewards of the model; every reward is the tenth of all. */
  const followed = (drift: ReturnType<typeof createDrift>, shift: number, rewards: number, from: number): void => {
    const random = seededRandom(4, 'fallen', String(from));
    for (let i = 0; i < rewards; i++)
      observeInnovation(drift, shift + random.normal() - drift.offset, 1, 10 * (from + i));
  };

  test('is watched from the alarm on, the less the longer it stays down', () => {
    const drift = createDrift();
    followed(drift, 0, 100, 0);
    expect(watchedShare(drift, 1000)).toBe(0);
    followed(drift, -2, 40, 100);
    const fallenAt = drift.fallenAt!;
    expect(fallenAt).toBeGreaterThan(1000);
    expect(watchedShare(drift, fallenAt)).toBe(0.1);
    expect(watchedShare(drift, fallenAt + 600)).toBeCloseTo(0.1);
    expect(watchedShare(drift, fallenAt + 60_000)).toBeCloseTo(0.01);
  });

  test('is found to have recovered after few rewards, and then no longer watched', () => {
    const drift = createDrift();
    followed(drift, -2, 100, 0);
    expect(drift.offset).toBeLessThan(-1);
    followed(drift, 0, 20, 100);
    expect(drift.offset).toBeGreaterThan(-0.6);
    followed(drift, 0, 60, 120);
    expect(watchedShare(drift, 5000)).toBe(0);
  });

  test('one that has got better is not watched', () => {
    const drift = createDrift();
    followed(drift, 2, 100, 0);
    expect(drift.offset).toBeGreaterThan(1);
    expect(watchedShare(drift, 1000)).toBe(0);
  });
});
