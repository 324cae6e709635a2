import fc from 'fast-check';
import type { Candidate, RouteOutcome, Session } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { sessionAfter, sessionDecided, sessionReported } from '../../../services/route-intake/session';
import { decided, outcome } from '../reward-feedback/records';

const candidate = (model: string, expectedCostUsd: number, eligible = true): Candidate => ({
  model,
  provider: 'acme',
  eligible,
  ineligibleReason: eligible ? null : 'health: OPEN',
  health: 'CLOSED',
  expectedCostUsd,
  expectedLatencyMs: 1_000,
  expectedQuality: 0.5,
  errorRate: 0,
  observations: 0,
  priceFactor: 1,
  declared: null,
  p95LatencyMs: null,
  bar: null,
});
const candidates = [candidate('alpha', 0.001), candidate('bravo', 0.003), candidate('charlie', 1, false)];
const asked = (session: Session | undefined, requestId: string): Session =>
  sessionAfter(session, { sessionId: 's', requestId, candidates, promptTokens: 500 }, 10);
const reported = (session: Session, decisionId: string, change: Partial<RouteOutcome> = {}): Session | null =>
  sessionReported(session, outcome(decisionId, { routingKey: 's', ...change }), {});

test('a request counts with the mean of those that may serve it, then with the decided model, then with what it cost', () => {
  const opened = asked(undefined, 'd1');
  expect(opened).toMatchObject({ sessionId: 's', requests: 1, lastSeenMs: 10, lastQuality: null, reported: [] });
  expect(opened.expectedSpentUsd).toBeCloseTo(0.002, 12);
  const known = sessionDecided(opened, decided('d1'))!;
  expect(known.expectedSpentUsd).toBeCloseTo(0.001, 12);
  expect(known.awaited).toEqual({ d1: 0.001 });
  const paid = reported(known, 'd1', { costUsd: 0.0042, quality: 0.7 })!;
  expect(paid.expectedSpentUsd).toBeCloseTo(0.0042, 12);
  expect(paid).toMatchObject({ awaited: { d1: 0.001 }, reported: ['d1/1'], lastQuality: 0.7 });
  expect(sessionDecided(paid, decided('d1'))).toBeNull();
});

test('every attempt costs once; a second report of one adds nothing but its judgement', () => {
  let session = asked(undefined, 'd1');
  session = reported(session, 'd1', { costUsd: 0.01, quality: null, attempt: 2, model: 'alpha' })!;
  expect(session.expectedSpentUsd).toBeCloseTo(0.012, 12);
  session = reported(session, 'd1', { costUsd: 0.004, status: 'FAILURE' })!;
  expect(session.expectedSpentUsd).toBeCloseTo(0.014, 12);
  expect(session).toMatchObject({ lastQuality: 0, reported: ['d1/2', 'd1/1'] });
  expect(reported(session, 'd1', { costUsd: 0.004, status: 'FAILURE' })).toBeNull();
  const corrected = reported(session, 'd1', { costUsd: 9, quality: 0.9, attempt: 2, revision: 1 })!;
  expect(corrected).toMatchObject({
    expectedSpentUsd: session.expectedSpentUsd,
    reported: session.reported,
    lastQuality: 0.9,
  });
  session = reported(session, 'd1', { costUsd: 0.002, attempt: 3, quality: 0 })!;
  expect(session.expectedSpentUsd).toBeCloseTo(0.016, 12);
});

test('an unknown cost leaves what is expected, until a later report says it', () => {
  const session = asked(undefined, 'd1');
  const judged = reported(session, 'd1', { costUsd: null, quality: 0.4 })!;
  expect(judged).toMatchObject({ expectedSpentUsd: session.expectedSpentUsd, reported: [], lastQuality: 0.4 });
  expect(reported(judged, 'd1', { costUsd: 0.02, revision: 1 })!.expectedSpentUsd).toBeCloseTo(0.02, 12);
});

test('outcomes of other decisions, and what no outcome may say, count for nothing', () => {
  let session = asked(undefined, 'd1/1');
  session = reported(session, 'd1/1')!;
  for (const id of ['d1', 'd2', '__proto__', 'constructor', '']) expect(reported(session, id)).toBeNull();
  const second = asked(session, 'd2');
  for (const costUsd of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(reported(second, 'd2', { costUsd, quality: null })).toBeNull();
  }
  expect(reported(second, 'd2', { costUsd: null, quality: 7 })).toBeNull();
});

test('a decision without its model among the candidates, or of another session, changes nothing', () => {
  const session = asked(undefined, 'd1');
  expect(sessionDecided(session, decided('d1', { model: 'nobody' }))).toBeNull();
  expect(sessionDecided(session, decided('d2'))).toBeNull();
  expect(sessionDecided(session, decided('__proto__'))).toBeNull();
});

test('what is remembered is bounded; what is forgotten stays spent', () => {
  let session: Session | undefined;
  for (let i = 0; i < 200; i++) session = asked(session, `d${i}`);
  expect(Object.keys(session!.awaited)).toHaveLength(64);
  expect(session!.awaited['d199']).toBeDefined();
  expect(session!.expectedSpentUsd).toBeCloseTo(200 * 0.002, 9);
  expect(reported(session!, 'd0')).toBeNull();
  for (let i = 190; i < 200; i++) {
    for (let attempt = 2; attempt <= 16; attempt++) session = reported(session!, `d${i}`, { attempt, costUsd: 0 })!;
  }
  expect(session!.reported).toHaveLength(128);
  expect(reported(session!, 'd199', { attempt: 17, costUsd: 1, quality: null })).toBeNull();
});

test('what has answered the newest request is warm: first who was decided, then who did', () => {
  const session = asked(undefined, 'd1');
  expect(session).toMatchObject({ warmModel: null, lastRequestId: 'd1', lastPromptTokens: 500 });
  const known = sessionDecided(session, decided('d1'))!;
  expect(known).toMatchObject({ warmModel: decided('d1').model, warmTokens: 500, warmAtMs: decided('d1').decidedAtMs });
  expect(reported(known, 'd1', { costUsd: null, quality: null, status: 'FAILURE' })?.warmModel).toBe('bravo');
  const other = reported(known, 'd1', { costUsd: null, quality: null, attempt: 2, model: 'alpha', inputTokens: 480 })!;
  expect(other).toMatchObject({ warmModel: 'alpha', warmTokens: 480 });
  // What was asked before says nothing any more.
  const later = asked(other, 'd2');
  expect(sessionDecided(later, decided('d1'))).toBeNull();
  expect(reported(later, 'd1', { costUsd: null, quality: null, inputTokens: 9 })).toBeNull();
  expect(later).toMatchObject({ warmModel: 'alpha', warmTokens: 480 });
});

test('the largest row, of ids as long as they may be, fits into a record', () => {
  // Three bytes a character.
  const id = (i: number): string => `${'語'.repeat(197)}${String(i).padStart(3, '0')}`;
  let session: Session | undefined;
  for (let i = 0; i < 100; i++) {
    session = sessionAfter(session, { sessionId: id(0), requestId: id(i), candidates, promptTokens: 9 }, i);
    for (let attempt = 2; attempt <= 16; attempt++) session = reported(session, id(i), { attempt, costUsd: 1 })!;
  }
  expect(Object.keys(session!.awaited)).toHaveLength(64);
  expect(session!.reported).toHaveLength(128);
  expect(topics.sessions.codec.encode(session!).length).toBeLessThan(130_000);
});

test('a cost that nobody can believe is capped by what was expected', () => {
  const known = sessionDecided(asked(undefined, 'd1'), decided('d1'))!;
  const paid = reported(known, 'd1', { costUsd: 9e15 })!;
  expect(paid.expectedSpentUsd).toBeCloseTo(1, 12);
  // Of a fallback nothing was expected: the session's mean stands in for it.
  const fellBack = reported(known, 'd1', { attempt: 2, costUsd: 9e15 })!;
  expect(fellBack.expectedSpentUsd).toBeCloseTo(0.001 + 1, 12);
});

test('one claim makes no room for a larger one: all attempts are held against what was expected of the decision', () => {
  let session = sessionDecided(asked(undefined, 'd1'), decided('d1'))!;
  for (const attempt of [1, 2, 3]) session = reported(session, 'd1', { costUsd: 9e15, attempt })!;
  expect(session.expectedSpentUsd).toBeLessThan(3 * 1_001 * 0.001);
  const early = reported(asked(undefined, 'd2'), 'd2', { costUsd: 0.0042 })!;
  expect(sessionDecided(early, decided('d2'))!.expectedSpentUsd).toBeCloseTo(0.0042, 12);
});

test('in any order of reports the sum is the reported costs and the expected ones of the others', () => {
  const costs = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(costs, fc.infiniteStream(fc.nat()), (costsUsd, order) => {
      let session: Session | undefined;
      costsUsd.forEach((_, i) => {
        session = asked(session, `d${i}`);
      });
      const paid = new Set<number>();
      for (let step = 0; step < costsUsd.length; step++) {
        const i = order.next().value! % costsUsd.length;
        paid.add(i);
        session = reported(session!, `d${i}`, { costUsd: costsUsd[i]! }) ?? session!;
        const expected = costsUsd.reduce((sum, cost, k) => sum + (paid.has(k) ? cost : 0.002), 0);
        expect(session.expectedSpentUsd).toBeCloseTo(expected, 9);
      }
    }),
  );
});
