import fc from 'fast-check';
import { shareAt } from '../../../lib/routing/open/admission';
import type { Capacity, ModelObserved } from '../../../lib/topics/generated/messages';
import { modelCapacityAfter, providerCapacityAfter } from '../../../services/model-profiler/capacity';
import { observed } from './records';

const startMs = 1_700_000_000_000;
const none = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null };

/** So many calls a second for so long; `answer` says what each is, by the share in force. */
function calls(
  before: Capacity | null,
  { perSecond, forMs, limits = none, fromMs = startMs, change = {} }: Load,
): { capacity: Capacity; endMs: number } {
  let capacity = before;
  const count = Math.round((perSecond * forMs) / 1_000);
  for (let i = 1; i <= count; i++) {
    const atMs = fromMs + Math.round((i * 1_000) / perSecond);
    capacity = modelCapacityAfter(capacity, observed({ observedAtMs: atMs, ...change }), limits, atMs);
  }
  return { capacity: capacity!, endMs: fromMs + forMs };
}
interface Load {
  readonly perSecond: number;
  readonly forMs: number;
  readonly limits?: Parameters<typeof modelCapacityAfter>[2];
  readonly fromMs?: number;
  readonly change?: Partial<ModelObserved>;
}

test('what is used is measured in calls and tokens a minute, and in calls under way', () => {
  const { capacity } = calls(null, {
    perSecond: 10,
    forMs: 120_000,
    change: { inputTokens: 70, outputTokens: 30, latencyMs: 2_000 },
  });
  expect(capacity.callsPerMinute).toBeCloseTo(600, -1);
  expect(capacity.tokensPerMinute).toBeCloseTo(60_000, -3);
  expect(capacity.concurrent).toBeCloseTo(20, 0);
  expect(capacity.share).toBe(1);
});

test('a few refusals among many calls leave the share, many take it down', () => {
  const after = (every: number): number => {
    let capacity: Capacity | null = null;
    for (let i = 1; i <= 6_000; i++) {
      const status = i % every === 0 ? 'RATE_LIMITED' : 'SUCCESS';
      capacity = modelCapacityAfter(
        capacity,
        observed({ observedAtMs: startMs + 4 * i, status }),
        none,
        startMs + 4 * i,
      );
    }
    return capacity!.share;
  };
  expect(after(25)).toBe(1);
  expect(after(10)).toBeLessThan(0.6);
  expect(after(2)).toBeLessThan(0.1);
});

test('where most calls are refused that is noticed within a second, however many were answered before', () => {
  const { capacity: healthy, endMs } = calls(null, { perSecond: 25, forMs: 60_000 });
  expect(healthy.share).toBe(1);
  let capacity: Capacity = healthy;
  const sharesAfter: number[] = [];
  // Nine in ten are refused; what the share lets in is called.
  for (let second = 0, fromMs = endMs; second < 4; second++, fromMs += 1_000) {
    const perSecond = Math.max(1, Math.round(25 * shareAt(capacity, fromMs)));
    for (let i = 1; i <= perSecond; i++) {
      const atMs = fromMs + Math.round((i * 1_000) / perSecond);
      const status = i % 10 === 0 ? 'SUCCESS' : 'RATE_LIMITED';
      capacity = modelCapacityAfter(capacity, observed({ observedAtMs: atMs, status }), null, atMs);
    }
    sharesAfter.push(capacity.share);
  }
  expect(sharesAfter[0]).toBeLessThan(0.75);
  expect(sharesAfter[1]).toBeLessThan(0.35);
  expect(sharesAfter[2]).toBeLessThan(0.15);
});

test('a burst that is refused among many calls that are answered is not most of them', () => {
  let capacity = calls(null, { perSecond: 100, forMs: 15_000 }).capacity;
  for (let i = 0; i < 1_000; i++) {
    const atMs = startMs + 15_000 + i * 10;
    const status = i % 100 < 7 ? 'RATE_LIMITED' : 'SUCCESS';
    capacity = modelCapacityAfter(capacity, observed({ observedAtMs: atMs, status }), null, atMs);
  }
  expect(capacity.share).toBeGreaterThan(0.7);
});

test('corrections are no calls; what comes late or from a clock that is ahead counts when it came', () => {
  const one = modelCapacityAfter(null, observed({ observedAtMs: startMs + 1e9 }), none, startMs);
  expect(one.measuredAtMs).toBe(startMs);
  const corrected = modelCapacityAfter(one, observed({ observedAtMs: startMs, revision: 1 }), none, startMs);
  expect(corrected.callsPerMinute).toBe(one.callsPerMinute);
  const late = modelCapacityAfter(one, observed({ observedAtMs: startMs - 15_000 }), none, startMs);
  expect(late.callsPerMinute / one.callsPerMinute).toBeCloseTo(1 + Math.exp(-1), 9);
});

test.each([
  ['requests', { ...none, requestsPerMinute: 300 }],
  ['tokens', { ...none, tokensPerMinute: 30_000 }],
  ['calls under way', { ...none, concurrent: 5 }],
] as const)(
  'under a limit of half of what comes, in %s, half of it is let in, and all of it again later',
  (_what, limits) => {
    const change = { inputTokens: 70, outputTokens: 30, latencyMs: 1_000 };
    let capacity: Capacity | null = null;
    let fromMs = startMs;
    let admitted = 0;
    for (let second = 0; second < 600; second++) {
      // Ten a second come, and those that the share lets in are called.
      const share = capacity ? shareAt(capacity, fromMs) : 1;
      const perSecond = Math.max(1, Math.round(10 * share));
      if (second >= 300) admitted += perSecond;
      ({ capacity, endMs: fromMs } = calls(capacity, { perSecond, forMs: 1_000, limits, fromMs, change }));
    }
    expect(admitted / 300).toBeGreaterThan(4);
    expect(admitted / 300).toBeLessThan(5.2);
    for (let i = 0; i < 120; i++)
      ({ capacity, endMs: fromMs } = calls(capacity, { perSecond: 1, forMs: 1_000, limits, fromMs, change }));
    expect(shareAt(capacity!, fromMs)).toBe(1);
  },
);

describe('a refusal', () => {
  const refusal = (atMs: number, retryAfterMs: number | null = null) =>
    observed({ status: 'RATE_LIMITED', quality: null, observedAtMs: atMs, retryAfterMs });

  test('cuts the share, however many come at once, and it grows again', () => {
    let capacity = modelCapacityAfter(null, refusal(startMs), null, startMs);
    for (let i = 0; i < 50; i++) capacity = modelCapacityAfter(capacity, refusal(startMs + i), null, startMs + i);
    expect(capacity.share).toBeCloseTo(0.7, 9);
    capacity = modelCapacityAfter(capacity, refusal(startMs + 1_000), null, startMs + 1_000);
    expect(capacity.share).toBeCloseTo(0.3 * (0.7 + 1 / 300), 9);
    expect(shareAt(capacity, startMs + 301_000)).toBe(1);
  });

  test('that says for how long is kept to, up to an hour', () => {
    expect(modelCapacityAfter(null, refusal(startMs, 20_000), null, startMs + 500).restUntilMs).toBe(startMs + 20_000);
    expect(modelCapacityAfter(null, refusal(startMs, 1e15), null, startMs).restUntilMs).toBe(startMs + 3_600_000);
    // Where the caller's clock is ahead it is from now.
    expect(modelCapacityAfter(null, refusal(startMs + 1e9, 20_000), null, startMs).restUntilMs).toBe(startMs + 20_000);
  });

  test("is the model's: its provider's others go on", () => {
    const capacity = providerCapacityAfter(null, refusal(startMs, 20_000), null, startMs);
    expect(capacity).toMatchObject({ share: 1, restUntilMs: 0 });
    expect(capacity.callsPerMinute).toBeGreaterThan(0);
  });
});

test('law: whatever comes, the share is between a little and all', () => {
  const call = fc.record({
    status: fc.constantFrom('SUCCESS', 'FAILURE', 'TIMEOUT', 'RATE_LIMITED') as fc.Arbitrary<ModelObserved['status']>,
    latencyMs: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })),
    inputTokens: fc.option(fc.nat()),
    retryAfterMs: fc.option(fc.double({ min: 0, max: 1e15, noNaN: true })),
    observedAtMs: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
    revision: fc.nat(1),
    passMs: fc.nat(20_000),
  });
  const limits = { requestsPerMinute: 5, tokensPerMinute: 1_000, concurrent: 2 };
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (all) => {
      let nowMs = startMs;
      let capacity: Capacity | null = null;
      for (const { passMs, ...change } of all) {
        nowMs += passMs;
        capacity = modelCapacityAfter(capacity, observed(change), limits, nowMs);
        expect(capacity.share).toBeGreaterThan(0);
        expect(capacity.share).toBeLessThanOrEqual(1);
        expect(Number.isFinite(capacity.callsPerMinute + capacity.tokensPerMinute + capacity.concurrent)).toBe(true);
        expect(Number.isSafeInteger(capacity.restUntilMs)).toBe(true);
      }
    }),
  );
});
