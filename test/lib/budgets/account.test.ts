import fc from 'fast-check';
import {
  atTime,
  dueAtMs,
  exhaustedReason,
  isForgettable,
  maxOpenReservations,
  release,
  reserve,
  settle,
  stateOf,
  take,
  wantsPublishing,
} from '../../../lib/budgets/account';
import { termsOf } from '../../../lib/budgets/terms-of';
import type { BudgetConfig } from '../../../lib/config/router-config';
import { hashId } from '../../../lib/hash-id';
import type { BudgetAccount, BudgetEvent, BudgetTerms } from '../../../lib/topics/generated/messages';
import { budgetOf } from './fixtures';

const startMs = Date.UTC(2026, 10, 28, 12);

const acme = { tenantId: 'acme', userId: 'ann', sessionId: 's1', budgetApproved: null };

function terms(changes: Partial<BudgetConfig> = {}, nowMs = startMs, tokens = 100): BudgetTerms {
  return termsOf([budgetOf(changes)], acme, tokens, nowMs)[0]!;
}

function event(kind: BudgetEvent['kind'], requestId: string, changes: Partial<BudgetEvent> = {}): BudgetEvent {
  return {
    account: 'month/acme',
    requestId,
    kind,
    routingKey: requestId,
    terms: null,
    cheapestUsd: 0.01,
    dearestUsd: 0.1,
    usd: null,
    tokens: null,
    reportId: `${requestId}/1/0`,
    atMs: startMs,
    ...changes,
  };
}

function ask(before: BudgetAccount | undefined, id: string, of: BudgetTerms, changes: Partial<BudgetEvent> = {}) {
  const { account, grant } = reserve(before, event('ASKED', id, { terms: of, ...changes }), of);
  return { account, grant: grant! };
}

/** Spent so far by one request of the same tenant. */
function spent(usd: number, of = terms()): BudgetAccount {
  const { account } = ask(undefined, 'before', of);
  return settle(account, event('SPENT', 'before', { usd, tokens: 0 }))!;
}

test('a request reserves the dearest it may choose, the decision keeps what it chose, the report settles it', () => {
  const asked = ask(undefined, 'r1', terms());
  expect(asked.grant).toMatchObject({ verdict: 'GRANTED', grantedUsd: 0.1, state: 'OK', reason: '' });
  expect(stateOf(asked.account, startMs)).toMatchObject({ reservedUsd: 0.1, reservedCalls: 1, spentCalls: 0 });
  const taken = take(asked.account, event('TAKEN', 'r1', { usd: 0.02 }))!;
  expect(stateOf(taken, startMs)).toMatchObject({ reservedUsd: 0.02, reservedCalls: 0, spentCalls: 1, spentUsd: 0 });
  const settled = settle(taken, event('SPENT', 'r1', { usd: 0.03, tokens: 700 }))!;
  expect(stateOf(settled, startMs)).toMatchObject({ reservedUsd: 0, spentUsd: 0.03, spentTokens: 700, spentCalls: 1 });
  expect(settled.beyondUsd).toBeCloseTo(0.01, 12);
});

test('the same question, decision and report count once', () => {
  const asked = ask(undefined, 'r1', terms());
  const again = ask(asked.account, 'r1', terms());
  expect(again.grant).toEqual(asked.grant);
  expect(again.account.reservations).toHaveLength(1);
  const taken = take(again.account, event('TAKEN', 'r1', { usd: 0.02 }))!;
  expect(take(taken, event('TAKEN', 'r1', { usd: 0.02 }))).toBeNull();
  const settled = settle(taken, event('SPENT', 'r1', { usd: 0.02 }))!;
  expect(settle(settled, event('SPENT', 'r1', { usd: 0.02 }))).toBeNull();
  expect(settled.spentUsd).toBe(0.02);
});

test('a correction charges the difference, and a fallback beside the first call is charged too', () => {
  const first = settle(spent(0.05), event('SPENT', 'before', { usd: -0.02, reportId: 'before/1/1' }))!;
  expect(first.spentUsd).toBeCloseTo(0.03, 12);
  const second = settle(first, event('SPENT', 'before', { usd: 0.04, reportId: 'before/2/0' }))!;
  expect(second.spentUsd).toBeCloseTo(0.07, 12);
  expect(second.spentCalls).toBe(1);
});

test('near the end a request may reserve an eighth of the rest, and the cheapest model always', () => {
  expect(ask(spent(0.92), 'r1', terms()).grant).toMatchObject({ verdict: 'GRANTED', grantedUsd: 0.01, state: 'SOFT' });
  expect(ask(spent(0.6), 'r1', terms()).grant.grantedUsd).toBeCloseTo(0.05, 12);
});

test('nothing is refused for what others may still give back: they have a grant and no decision yet', () => {
  const of = terms({ limitUsd: 0.015 });
  const { account } = ask(undefined, 'r1', of);
  expect(ask(account, 'r2', of)).toMatchObject({ account: { refusals: 0 }, grant: null });
  const taken = take(account, event('TAKEN', 'r1', { usd: 0.01 }))!;
  expect(ask(taken, 'r2', of).grant.verdict).toBe('REFUSED');
  const released = release(account, event('RELEASED', 'r1'))!;
  expect(ask(released, 'r2', of).grant.verdict).toBe('GRANTED');
});

test('at the limit a request is refused, asked back, or served by the cheapest, as configured', () => {
  const grantAt = (atLimit: BudgetConfig['atLimit'], approved = false) => {
    const of = termsOf([budgetOf({ atLimit })], { ...acme, budgetApproved: approved }, 100, startMs)[0]!;
    return ask(spent(0.995), 'r1', of).grant;
  };
  expect(grantAt('refuse')).toMatchObject({ verdict: 'REFUSED', state: 'LIMIT', retryAtMs: Date.UTC(2026, 11) });
  expect(grantAt('refuse').reason).toBe(
    '$0.005 is left of the budget month of tenant acme ($1), and the cheapest model is expected to cost $0.01',
  );
  expect(grantAt('ask')).toMatchObject({ verdict: 'ASK', state: 'LIMIT' });
  expect(grantAt('ask', true)).toMatchObject({ verdict: 'GRANTED', grantedUsd: null, state: 'LIMIT' });
  expect(grantAt('cheapest')).toMatchObject({ verdict: 'CHEAPEST', state: 'LIMIT' });
  expect(grantAt('refuse', true).verdict).toBe('REFUSED');
});

test('a soft limit warns, or leaves the cheapest model only', () => {
  expect(ask(spent(0.85), 'r1', terms()).grant).toMatchObject({ verdict: 'GRANTED', state: 'SOFT' });
  expect(ask(spent(0.85), 'r1', terms({ atSoft: 'cheapest' })).grant.verdict).toBe('CHEAPEST');
  expect(ask(spent(0.5), 'r1', terms({ atSoft: 'cheapest' })).grant.verdict).toBe('GRANTED');
});

test('calls and tokens are limited like money; a loop of calls that are never reported ends', () => {
  const of = terms({ scope: 'session', limitUsd: null, limitCalls: 3 });
  let account: BudgetAccount | undefined;
  const verdicts = Array.from({ length: 5 }, (_, i) => {
    const asked = ask(account, `r${i}`, of);
    account = take(asked.account, event('TAKEN', `r${i}`)) ?? asked.account;
    account = atTime(account, startMs + 120_000);
    return asked.grant.verdict;
  });
  expect(verdicts).toEqual(['GRANTED', 'GRANTED', 'GRANTED', 'REFUSED', 'REFUSED']);
  const tokens = terms({ limitUsd: null, limitTokens: 150 });
  const first = ask(undefined, 'a', tokens);
  expect(first.grant.verdict).toBe('GRANTED');
  const decided = take(first.account, event('TAKEN', 'a'))!;
  expect(ask(decided, 'b', tokens).grant.reason).toContain('50 tokens are left');
});

test('what is never reported is released when its time is over, and said to be unreported', () => {
  const { account } = ask(undefined, 'r1', terms());
  const taken = take(account, event('TAKEN', 'r1', { usd: 0.02 }))!;
  expect(atTime(taken, startMs + 59_999)).toBe(taken);
  expect(dueAtMs({ ...taken, isPublished: true })).toBe(startMs + 60_000);
  expect(stateOf(atTime(taken, startMs + 60_000), 0)).toMatchObject({ reservedUsd: 0, spentUsd: 0, unreported: 1 });
  expect(release(account, event('RELEASED', 'r1'))!.reservations).toEqual([]);
  expect(release(taken, event('RELEASED', 'r1'))).toBeNull();
});

test('a new period starts with nothing spent; a late request of the old one does not turn it back', () => {
  const nextMs = Date.UTC(2026, 11, 1, 0, 0, 1);
  const december = terms({}, nextMs);
  const asked = ask(spent(0.995), 'r1', december, { atMs: nextMs });
  expect(asked.grant.verdict).toBe('GRANTED');
  const settled = settle(asked.account, event('SPENT', 'r1', { usd: 0.5, atMs: nextMs }))!;
  const late = ask(settled, 'r2', terms(), { atMs: nextMs });
  expect(late.account).toMatchObject({ spentUsd: 0.5, periodStartMs: december.periodStartMs });
  expect(isForgettable({ ...late.account, reservations: [] }, nextMs)).toBe(false);
  expect(isForgettable({ ...late.account, reservations: [] }, Date.UTC(2027, 0))).toBe(true);
});

test('a reservation ends when its own time is over, whatever was reserved before it for longer', () => {
  const { account: long } = ask(undefined, 'long', terms({ holdMs: 86_400_000 }));
  const { account: both } = ask(long, 'short', terms({ holdMs: 1_000 }));
  expect(dueAtMs({ ...both, isPublished: true })).toBe(startMs + 1_000);
  expect(atTime(both, startMs + 1_000).reservations).toHaveLength(1);
});

test('a period that is made longer or shorter counts from the next request on, and what is spent stays spent', () => {
  const hourly = spent(0.4, terms({ period: 'hour' }));
  const monthly = terms();
  const { account } = ask(hourly, 'r1', monthly);
  expect(account).toMatchObject({ spentUsd: 0.4, periodStartMs: monthly.periodStartMs });
  expect(account.terms.periodEndMs).toBe(monthly.periodEndMs);
  const forGood = ask(account, 'r2', terms({ period: 'none' })).account;
  expect(atTime(forGood, Date.UTC(2027, 5))).toMatchObject({ spentUsd: 0.4 });
});

test.each([
  ['hour', 'month'],
  ['month', 'hour'],
  ['none', 'month'],
  ['day', 'none'],
] as const)(
  'while a period of %s becomes one of %s, requests come with both, and what is spent stays spent',
  (old, next) => {
    let account = spent(0.1, terms({ period: old }));
    for (const [at, period] of [next, old, next, old, next].entries()) {
      const of = terms({ period });
      account = ask(account, `r${at}`, of).account;
      account = settle(account, event('SPENT', `r${at}`, { usd: 0.1, tokens: 0 }))!;
      expect(account.spentUsd).toBeCloseTo(0.2 + at / 10, 10);
      expect(account.periodStartMs).toBe(of.periodStartMs);
    }
    const { periodEndMs } = terms({ period: next });
    if (periodEndMs === null) return;
    const after = ask(account, 'after', terms({ period: next }, periodEndMs), { atMs: periodEndMs }).account;
    expect(after).toMatchObject({ spentUsd: 0, periodStartMs: periodEndMs });
  },
);

test('whatever lengths come in turns within an hour, nothing that is spent in it is forgotten', () => {
  const step = fc.record({ period: fc.constantFrom('hour', 'day', 'month', 'none'), afterMs: fc.nat(3_599_999) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      let account: BudgetAccount | undefined;
      steps.forEach(({ period, afterMs }, at) => {
        const atMs = startMs + afterMs;
        const of = terms({ period, limitUsd: 100 }, atMs);
        account = ask(account, `r${at}`, of, { atMs }).account;
        account = settle(account, event('SPENT', `r${at}`, { usd: 1, tokens: 0, atMs }))!;
        expect(account).toMatchObject({ spentUsd: at + 1, periodStartMs: of.periodStartMs });
      });
    }),
  );
});

test('a period of the same length begins with nothing spent, also where clocks differ at its beginning', () => {
  const nextMs = startMs + 3_600_000;
  const { account } = ask(spent(0.4, terms({ period: 'hour' })), 'r1', terms({ period: 'hour' }));
  const taken = take(account, event('TAKEN', 'r1', { usd: 0.01, atMs: nextMs + 200 }))!;
  const next = ask(taken, 'r2', terms({ period: 'hour' }, nextMs), { atMs: nextMs - 100 }).account;
  expect(next).toMatchObject({ spentUsd: 0, periodStartMs: nextMs });
});

test('a request that was opened under the shorter period, and comes when that is over, ends nothing of the longer one', () => {
  const hourly = terms({ period: 'hour' });
  const monthly = ask(spent(0.4, hourly), 'r1', terms()).account;
  const late = ask(monthly, 'late', hourly, { atMs: hourly.periodEndMs! + 1 }).account;
  expect(ask(late, 'r2', terms()).account).toMatchObject({ spentUsd: 0.4, periodStartMs: terms().periodStartMs });
});

test.each(['hour', 'day', 'month'] as const)(
  'a clock that was a year ahead for a moment keeps nobody waiting for a year: period %s',
  (period) => {
    const nowMs = startMs + 1_800_000;
    const yearAhead = nowMs + 365 * 86_400_000;
    const now = terms({ period }, nowMs);
    const ahead = ask(spent(0.3, now), 'ahead', terms({ period }, yearAhead), { atMs: yearAhead }).account;
    const spentAhead = settle(ahead, event('SPENT', 'other', { usd: 0.2, atMs: yearAhead }))!;
    const shown = { ...spentAhead, publishedAtMs: yearAhead };
    const { account } = ask(shown, 'r1', now, { atMs: nowMs });
    expect(account).toMatchObject({ periodStartMs: now.periodStartMs, spentUsd: 0.2 });
    expect(account.terms.periodEndMs).toBe(now.periodEndMs);
    expect(atTime(account, nowMs + 60_000).reservations).toEqual([]);
    expect(wantsPublishing({ ...account, isPublished: true }, account, nowMs)).toBe(true);
  },
);

test('a thousand reports that come again charge nothing, also those that an earlier release has counted', () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `r${i}`);
  const report = (id: string) => event('SPENT', id, { usd: 0.0001, tokens: 1 });
  let account = ids.reduce((before, id) => settle(before, report(id))!, spent(0));
  expect(account.spentUsd).toBeCloseTo(0.1, 9);
  expect(ids.map((id) => settle(account, report(id))).filter((again) => again !== null)).toEqual([]);
  const { reports, ...rest } = spent(0);
  account = { ...rest, reports: Buffer.alloc(0), settled: ['older', hashId('old/1/0')] };
  expect(settle(account, report('old'))).toBeNull();
  account = settle(account, report('new'))!;
  expect([settle(account, report('old')), settle(account, report('new'))]).toEqual([null, null]);
  expect(account.settled).toHaveLength(1);
  // Fewer bytes are within reach of whoever looks for two ids of one hash, and a call that counts as known is free.
  expect(reports).toHaveLength(12);
});

test('a request that asks again after it was refused is counted once', () => {
  const { account } = ask(spent(0.995), 'r1', terms());
  expect(account.refusals).toBe(1);
  const again = ask(account, 'r1', terms());
  expect(again.account.refusals).toBe(1);
  expect(again.grant).toMatchObject({ verdict: 'REFUSED' });
  expect(ask(again.account, 'r2', terms()).account.refusals).toBe(2);
});

test('no two users have one account, whatever tenants and users are called', () => {
  const names = [null, 'a', 'a/b', 'a%2Fb', 'a%2fb', 'a/b/c', '%', '/'];
  const all = names.flatMap((tenantId) =>
    names.flatMap((userId) =>
      termsOf([budgetOf({ scope: 'user' })], { ...acme, tenantId, userId }, 1, startMs).map(({ account }) => account),
    ),
  );
  expect(all).toHaveLength(8 * 7);
  expect(all).toContain('month/a/a/b');
  expect(new Set(all).size).toBe(all.length);
});

test('intake refuses by what is spent alone, and only within the period', () => {
  const exhausted = stateOf(spent(0.995), startMs);
  expect(exhaustedReason(exhausted, terms(), 0.01)).toContain('$0.005 is left');
  expect(exhaustedReason(exhausted, terms(), 0.001)).toBeNull();
  expect(exhaustedReason(undefined, terms(), 0.01)).toBeNull();
  expect(exhaustedReason(exhausted, terms({}, Date.UTC(2026, 11, 2)), 0.01)).toBeNull();
  expect(exhaustedReason(exhausted, terms({ atLimit: 'cheapest' }), 0.01)).toBeNull();
  // What is only reserved may be released again.
  const reserved = ask(undefined, 'r1', terms({ limitUsd: 0.1 }), { cheapestUsd: 0.1, dearestUsd: 0.1 });
  expect(exhaustedReason(stateOf(reserved.account, startMs), terms({ limitUsd: 0.1 }), 0.1)).toBeNull();
});

test('an account has a largest size, and overspends nothing for it', () => {
  const of = terms({ limitUsd: maxOpenReservations * 2 });
  let account: BudgetAccount | undefined;
  for (let i = 0; i < maxOpenReservations + 10; i++)
    ({ account } = ask(account, `${'x'.repeat(200)}${i}`, of, { cheapestUsd: 1, dearestUsd: 1 }));
  expect(account!.reservations).toHaveLength(maxOpenReservations);
  expect(account!.spentUsd).toBe(10);
});

test('whoever asks, takes, reports and gives up in whatever order: what is spent and reserved keeps the limit', () => {
  const step = fc.record({
    kind: fc.constantFrom('ASKED' as const, 'ASKED' as const, 'TAKEN' as const, 'SPENT' as const, 'RELEASED' as const),
    request: fc.integer({ min: 0, max: 30 }),
    usd: fc.double({ min: 0, max: 0.2, noNaN: true }),
    cheapestUsd: fc.double({ min: 0, max: 0.1, noNaN: true }),
    dearestUsd: fc.double({ min: 0, max: 0.3, noNaN: true }),
    waitMs: fc.integer({ min: 0, max: 5_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const of = terms();
      let account: BudgetAccount | undefined;
      let atMs = startMs;
      for (const { kind, request, waitMs, ...amounts } of steps) {
        atMs += waitMs;
        const told = event(kind, `r${request}`, { ...amounts, atMs, reportId: `${request}/${amounts.usd}` });
        if (kind === 'ASKED') ({ account } = reserve(account, { ...told, terms: of }, of));
        else if (account) account = { TAKEN: take, SPENT: settle, RELEASED: release }[kind](account, told) ?? account;
        if (!account) continue;
        const { spentUsd, reservedUsd, beyondReservedUsd } = stateOf(account, atMs);
        expect(spentUsd + reservedUsd).toBeLessThanOrEqual(1 + beyondReservedUsd + 1e-9);
      }
    }),
  );
});

test('hostile numbers leave an account that can still be kept and read', () => {
  const of = { ...terms(), limitUsd: Number.NaN, softShare: Number.NaN };
  const asked = ask(undefined, 'r1', of, { cheapestUsd: Number.NaN, dearestUsd: Number.POSITIVE_INFINITY });
  expect(asked.grant.verdict).toBe('REFUSED');
  const { account } = ask(undefined, 'r1', terms(), { dearestUsd: Number.POSITIVE_INFINITY });
  const settled = settle(account, event('SPENT', 'r1', { usd: Number.NaN, tokens: Number.MIN_SAFE_INTEGER }))!;
  expect(settled).toMatchObject({ spentUsd: 0, spentTokens: 0 });
});
