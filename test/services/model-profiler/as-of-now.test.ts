/** What a clock that was ahead has left in a row is put right as soon as the row is touched by the right one. */

import type { ModelObserved, ProviderProfiles } from '../../../lib/topics/generated/messages';
import { asOfNow } from '../../../services/model-profiler/as-of-now';
import { nextProbeAtMs, profileModel, profilesAfterWait } from '../../../services/model-profiler/profile-model';
import { configOf, nowMs } from '../../lib/routing/fixtures';
import { observed } from './records';

const dayMs = 86_400_000;
const openMs = 1_000;
const settings = configOf({ breaker: { openAfterFailures: 3, openMs, closeAfterSuccesses: 2 } });

/** The row of a provider after these calls of its models, each a millisecond after the one before. */
function rowAfter(atMs: number, calls: readonly Partial<ModelObserved>[], before?: ProviderProfiles): ProviderProfiles {
  let row = before;
  for (const [index, call] of calls.entries()) {
    const callAtMs = atMs + index;
    row = profileModel(row, observed({ provider: 'beta', observedAtMs: callAtMs, ...call }), settings, callAtMs).row;
  }
  return row!;
}

const failures = (model: string) =>
  Array.from({ length: 3 }, () => ({ model, status: 'FAILURE' as const, quality: 0 }));

test('a breaker that opened while the clock was a day ahead waits for as long as it would have, and all its profiles hear of it', () => {
  const ahead = rowAfter(nowMs + dayMs, [{ model: 'swift' }, ...failures('small')]);
  expect(nextProbeAtMs(ahead)).toBeGreaterThan(nowMs + dayMs);
  // Called as the wait would have ended by the clock as it was, or by another model's call.
  const called = profileModel(
    ahead,
    observed({ provider: 'beta', model: 'swift', observedAtMs: nowMs }),
    settings,
    nowMs,
  );
  for (const { row, changed } of [profilesAfterWait(ahead, nowMs), called]) {
    expect(changed.map(({ model }) => model).sort()).toEqual(['small', 'swift']);
    expect(row.models['small']!.breaker).toMatchObject({
      health: 'OPEN',
      changedAtMs: nowMs,
      probeAtMs: nowMs + openMs,
      changes: [{ health: 'OPEN', atMs: nowMs }],
    });
    expect(nextProbeAtMs(row)).toBe(nowMs + openMs);
    for (const { providerBreaker, updatedAtMs } of changed) {
      expect(providerBreaker.changedAtMs).toBe(nowMs);
      expect(updatedAtMs).toBe(nowMs);
    }
    expect(profilesAfterWait(row, nowMs + openMs).row.models['small']!.breaker.health).toBe('HALF_OPEN');
  }
});

test('what fails after it is held against one that came back while the clock was ahead', () => {
  const back = rowAfter(
    nowMs + dayMs + openMs + 10,
    [{ model: 'small' }, { model: 'small' }],
    rowAfter(nowMs + dayMs, failures('small')),
  );
  expect(back.models['small']!.breaker).toMatchObject({ health: 'CLOSED', openings: 1 });
  const after = rowAfter(
    nowMs + openMs,
    [{ model: 'small' }, ...failures('small').map((one) => ({ ...one, latencyMs: 0 }))],
    back,
  );
  expect(after.models['small']!.breaker).toMatchObject({ health: 'OPEN', openings: 2 });
});

test('whoever asked for a rest rests for as long, and what it can take is measured by the right clock', () => {
  const refused = { model: 'small', status: 'RATE_LIMITED' as const, quality: null, retryAfterMs: 30_000 };
  const ahead = rowAfter(nowMs + dayMs, [refused]);
  const { capacity } = profilesAfterWait(ahead, nowMs).row.models['small']!;
  expect(capacity).toMatchObject({ restUntilMs: nowMs + 30_000, changedAtMs: nowMs, measuredAtMs: nowMs });
  // A burst later: the sums fade, as they would not before the time that was wrong.
  const later = rowAfter(nowMs + 60_000, [{ model: 'small' }], ahead).models['small']!.capacity!;
  expect(later.measuredAtMs).toBe(nowMs + 60_000);
});

test('a row of now is left as it is, also by a clock that is set a little', () => {
  const row = rowAfter(nowMs, failures('small'));
  expect(asOfNow(row, nowMs + 2)).toBe(row);
  expect(asOfNow(row, nowMs - 500)).toBe(row);
});
