import fc from 'fast-check';
import {
  type Circumstances,
  contextColumns,
  contextGroups,
  contextOf,
  contextSize,
  contextVersion,
  encodeContext,
} from '../../../../lib/learning/features/context';
import { bytesOf } from '../../../../lib/learning/features/encode';
import type { Candidate, Limits } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';

const candidate = (fields: Partial<Candidate> = {}): Candidate => ({
  model: 'm',
  provider: 'p',
  eligible: true,
  ineligibleReason: null,
  health: 'CLOSED',
  expectedCostUsd: 0.001,
  expectedLatencyMs: 999,
  expectedQuality: 0.5,
  errorRate: 0,
  observations: 0,
  priceFactor: 1,
  declared: null,
  p95LatencyMs: null,
  bar: null,
  ...fields,
});
const circumstances = (fields: Partial<Circumstances> = {}): Circumstances => ({
  candidates: [candidate(), candidate()],
  limits: noLimits,
  preference: { quality: 1, cost: 0, latency: 0 },
  sessionId: null,
  sessionRequests: 0,
  sessionSpentUsd: 0,
  sessionLastQuality: null,
  ...fields,
});
const named = (fields: Partial<Circumstances>): Record<string, number> => {
  const [, ...values] = encodeContext(circumstances(fields));
  return Object.fromEntries(contextColumns.map((name, i) => [name, Number(values[i]!.toFixed(4))]));
};

test('the list of columns: a change here needs a new contextVersion', () => {
  expect(contextVersion).toBe(1);
  expect(contextColumns).toEqual([
    'eligibleShare',
    'halfOpenShare',
    'openShare',
    'errorRateMean',
    'errorRateMost',
    'latencyLevel',
    'latencySpread',
    'costSpread',
    'costLimited',
    'costSlack',
    'latencyLimited',
    'latencySlack',
    'costWeight',
    'latencyWeight',
    'inSession',
    'requestsBefore',
    'hasBudget',
    'spentShare',
    'leftPerMean',
    'leftPerDearest',
    'hasLastQuality',
    'lastQuality',
  ]);
  expect(contextSize).toBe(23);
  expect(new Set(contextColumns).size).toBe(22);
});

test('an ordinary request: everything there, nothing demanded', () => {
  const ordinary = named({});
  expect(ordinary['eligibleShare']).toBe(1);
  expect(ordinary['latencyLevel']).toBe(0.5); // 1,000 ms
  const others = contextColumns.filter((name) => name !== 'eligibleShare' && name !== 'latencyLevel');
  expect(others.map((name) => ordinary[name])).toEqual(others.map(() => 0));
});

test('availability is of all configured models, history of the allowed ones', () => {
  const seen = named({
    candidates: [
      candidate({ errorRate: 0.1, expectedCostUsd: 0.001, expectedLatencyMs: 100 }),
      candidate({ errorRate: 0.3, expectedCostUsd: 0.01, expectedLatencyMs: 10_000, health: 'HALF_OPEN' }),
      candidate({ errorRate: 0.9, expectedCostUsd: 1, eligible: false, health: 'OPEN' }),
      candidate({ errorRate: 0.9, expectedCostUsd: 1, eligible: false, health: 'OPEN' }),
    ],
  });
  expect(seen).toMatchObject({
    eligibleShare: 0.5,
    halfOpenShare: 0.25,
    openShare: 0.5,
    errorRateMean: 0.2,
    errorRateMost: 0.3,
    latencySpread: 0.6667, // a factor of 100
    costSpread: 0.3333, // a factor of 10
  });
});

test('limits are measured by what is expected, and absent ones say nothing', () => {
  const limits = { ...noLimits, maxCostUsd: 0.01, maxLatencyMs: 99.9 };
  expect(named({ limits })).toMatchObject({
    costLimited: 1,
    costSlack: 0.3333,
    latencyLimited: 1,
    latencySlack: -0.3333,
  });
  expect(named({ limits: { ...noLimits, maxCostUsd: 0 } })).toMatchObject({ costLimited: 1, costSlack: -1 });
});

test('preferences count by their share', () => {
  expect(named({ preference: { quality: 2, cost: 1, latency: 1 } })).toMatchObject({
    costWeight: 0.25,
    latencyWeight: 0.25,
  });
  expect(named({ preference: { quality: 0, cost: 0, latency: 0 } })).toMatchObject({ costWeight: 0, latencyWeight: 0 });
});

test('a session: how long, how much is left, how it went', () => {
  const session = {
    sessionId: 's',
    sessionRequests: 9,
    sessionSpentUsd: 0.09,
    sessionLastQuality: 0.4,
    limits: { ...noLimits, maxSessionCostUsd: 0.1 },
    candidates: [candidate({ expectedCostUsd: 0.001 }), candidate({ expectedCostUsd: 0.019 })],
  };
  expect(named(session)).toMatchObject({
    inSession: 1,
    requestsBefore: 0.4989,
    hasBudget: 1,
    spentShare: 0.9,
    leftPerMean: 0,
    leftPerDearest: -0.0929,
    hasLastQuality: 1,
    lastQuality: 0.4,
  });
  expect(named({ ...session, sessionSpentUsd: 0.2 })).toMatchObject({
    spentShare: 1,
    leftPerMean: -1,
    leftPerDearest: -1,
  });
  expect(named({ ...session, limits: noLimits, sessionLastQuality: null })).toMatchObject({
    inSession: 1,
    hasBudget: 0,
    spentShare: 0,
    leftPerMean: 0,
    hasLastQuality: 0,
    lastQuality: 0,
  });
  expect(named({ ...session, sessionId: null })).toMatchObject(
    Object.fromEntries(contextGroups.session.map((name) => [name, 0])),
  );
});

test('every column stays within -1 and 1, whatever the circumstances, and equal ones read the same', () => {
  const amount = fc.double({ min: 0, max: 1e12, noNaN: true });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const any = fc.record<Circumstances>({
    candidates: fc.array(
      fc.record({
        eligible: fc.boolean(),
        health: fc.constantFrom('CLOSED' as const, 'HALF_OPEN' as const, 'OPEN' as const),
        expectedCostUsd: amount,
        expectedLatencyMs: amount,
        errorRate: share,
      }),
      { maxLength: 12 },
    ) as fc.Arbitrary<Candidate[]>,
    limits: fc.record({
      maxCostUsd: fc.option(amount),
      maxSessionCostUsd: fc.option(amount),
      maxLatencyMs: fc.option(amount),
    }) as unknown as fc.Arbitrary<Limits>,
    preference: fc.record({ quality: amount, cost: amount, latency: amount }),
    sessionId: fc.option(fc.constant('s')),
    sessionRequests: fc.nat(),
    sessionSpentUsd: amount,
    sessionLastQuality: fc.option(share),
  });
  fc.assert(
    fc.property(any, (at) => {
      const context = encodeContext(at);
      expect(context.length).toBe(contextSize);
      expect(context.every((value) => value >= -1 && value <= 1)).toBe(true);
      expect(encodeContext(at)).toEqual(context);
      expect(contextOf(bytesOf(context))).toEqual(context);
    }),
  );
});

test('bytes of another list, or none, are no context', () => {
  const context = encodeContext(circumstances());
  expect(contextOf(Buffer.alloc(0))).toBeNull();
  expect(contextOf(bytesOf(context.slice(1)))).toBeNull();
  expect(contextOf(Buffer.alloc(7))).toBeNull();
  const other = context.slice();
  other[0] = contextVersion + 1;
  expect(contextOf(bytesOf(other))).toBeNull();
});
