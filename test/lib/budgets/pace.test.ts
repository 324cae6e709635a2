import fc from 'fast-check';
import { reserve, settle, stateOf, take } from '../../../lib/budgets/account';
import { pacedPreference, paceOf } from '../../../lib/budgets/pace';
import { termsOf } from '../../../lib/budgets/terms-of';
import { budgetsSchema } from '../../../lib/config/schema/budget-schema';
import { seededRandom } from '../../../lib/random/seeded';
import { utilityOf, utilityWeights } from '../../../lib/routing/judge/utility';
import type { BudgetAccount, BudgetEvent } from '../../../lib/topics/generated/messages';

const startMs = Date.UTC(2026, 10, 28);
const dayMs = 86_400_000;
const wanted = { quality: 0.8, cost: 0.15, latency: 0.05 };
const scale = { costUsd: 0.015, latencyMs: 5_000 };
const acme = { tenantId: 'acme', userId: null, sessionId: null, budgetApproved: null };

/** Of a day of which a quarter is over. */
const spent = (changes: Partial<Parameters<typeof paceOf>[0]> = {}) => ({
  limitUsd: 100,
  spentUsd: 26,
  spentCalls: 2_600,
  reservedUsd: 0,
  periodStartMs: startMs,
  periodEndMs: startMs + dayMs,
  ...changes,
});
const quarterMs = startMs + dayMs / 4;

describe('the price of being ahead of the pace', () => {
  test('is a unit of utility a usual call for every fiftieth of the limit, reservations counted', () => {
    expect(paceOf(spent(), quarterMs)).toEqual({ pacedUsd: 25, pricePerUsd: 50 });
    expect(paceOf(spent({ reservedUsd: 1 }), quarterMs)!.pricePerUsd).toBeCloseTo(100, 9);
  });

  test('is nothing for whoever is behind, has spent nothing, or has waited long enough', () => {
    expect(paceOf(spent({ spentUsd: 24 }), quarterMs)!.pricePerUsd).toBe(0);
    expect(paceOf(spent({ spentUsd: 0, spentCalls: 0, reservedUsd: 60 }), quarterMs)!.pricePerUsd).toBe(0);
    expect(paceOf(spent(), startMs + 0.26 * dayMs)!.pricePerUsd).toBe(0);
  });

  test('is not there without a limit in USD or a period', () => {
    expect(paceOf(spent({ limitUsd: null }), quarterMs)).toBeNull();
    expect(paceOf(spent({ periodStartMs: 0, periodEndMs: null }), quarterMs)).toBeNull();
  });

  test('is a number, whatever the account', () => {
    const amount = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.nat(),
        fc.nat(),
        (limitUsd, spentUsd, reservedUsd, spentCalls, afterMs) => {
          const pace = paceOf(spent({ limitUsd, spentUsd, reservedUsd, spentCalls }), startMs + afterMs)!;
          expect(Number.isFinite(pace.pricePerUsd) && pace.pricePerUsd >= 0).toBe(true);
          const { quality, cost, latency } = pacedPreference(wanted, scale, [pace, pace]);
          expect(Number.isFinite(quality + cost + latency)).toBe(true);
        },
      ),
    );
  });
});

describe('a paced preference', () => {
  test('orders models as utility less the price of what they cost does', () => {
    const paced = utilityWeights(pacedPreference(wanted, scale, [{ pricePerUsd: 30 }, { pricePerUsd: 10 }]), scale, 0);
    const plain = utilityWeights(wanted, scale, 0);
    const ratio = paced.quality / plain.quality;
    expect(paced.perUsd / ratio).toBeCloseTo(plain.perUsd + 40, 9);
    expect(paced.perMs / ratio).toBeCloseTo(plain.perMs, 12);
  });

  test('is the same object where nobody is ahead', () => {
    expect(pacedPreference(wanted, scale, [])).toBe(wanted);
    expect(pacedPreference(wanted, scale, [{ pricePerUsd: 0 }])).toBe(wanted);
  });

  test('holds for the largest preferences there are', () => {
    const most = { quality: Number.MAX_VALUE / 4, cost: Number.MAX_VALUE / 4, latency: 0 };
    expect(pacedPreference(most, scale, [{ pricePerUsd: 100 }])).toEqual({ quality: 0.5, cost: 2, latency: 0 });
  });
});

describe('a day of one tenant', () => {
  const requests = 4_000;
  const models = [
    { quality: 0.9, costUsd: 0.02 },
    { quality: 0.75, costUsd: 0.006 },
    { quality: 0.55, costUsd: 0.001 },
  ];

  /** Some requests gain by a dear model and some do not; a request that is refused is worth nothing. */
  function play(pace: 'none' | 'even', limitUsd: number) {
    const [budget] = budgetsSchema.parse([{ name: 'day', period: 'day', limitUsd, pace }]);
    const random = seededRandom(1, 'pace');
    let account: BudgetAccount | undefined;
    let [worth, refused, furthest] = [0, 0, 0];
    for (let i = 0; i < requests; i++) {
      const nowMs = startMs + (i / requests) * dayMs;
      const gain = random.next();
      const [terms] = termsOf([budget!], acme, 100, nowMs, () => account && stateOf(account, nowMs));
      const weights = utilityWeights(pacedPreference(wanted, scale, [terms!]), scale, 0);
      const qualities = models.map(({ quality }) => 0.55 + gain * (quality - 0.55));
      const event = (kind: BudgetEvent['kind'], usd: number | null): BudgetEvent => ({
        ...{ account: 'day/acme', requestId: `r${i}`, kind, routingKey: '', terms: null, cheapestUsd: 0.001 },
        ...{ dearestUsd: 0.02, usd, tokens: null, reportId: `r${i}`, atMs: nowMs },
      });
      const asked = reserve(account, event('ASKED', null), terms!);
      account = asked.account;
      if (asked.grant?.verdict !== 'GRANTED') {
        refused++;
        continue;
      }
      const granted = asked.grant.grantedUsd ?? Number.POSITIVE_INFINITY;
      const utilities = models.map(({ costUsd }, m) =>
        costUsd > granted ? Number.NEGATIVE_INFINITY : utilityOf(weights, qualities[m]!, costUsd, 0),
      );
      const chosen = utilities.indexOf(Math.max(...utilities));
      const { costUsd } = models[chosen]!;
      account = settle(take(account, event('TAKEN', costUsd))!, event('SPENT', costUsd))!;
      worth += qualities[chosen]!;
      furthest = Math.max(furthest, account.spentUsd / limitUsd - (nowMs - startMs) / dayMs);
    }
    return { worth: worth / requests, refused, furthest, spentShare: account!.spentUsd / limitUsd };
  }

  test('spending keeps to the pace, nobody is refused, and the same money buys more', () => {
    // Half of what the tenant would spend.
    const even = play('even', 12);
    const none = play('none', 12);
    expect(even.furthest).toBeLessThan(0.05);
    expect(even.refused).toBe(0);
    expect(even.spentShare).toBeGreaterThan(0.95);
    expect(none.refused).toBeGreaterThan(requests / 10);
    expect(even.worth).toBeGreaterThan(none.worth + 0.02);
  });

  test('a limit that nobody comes near changes nothing', () => {
    expect(play('even', 1_000)).toEqual(play('none', 1_000));
  });
});
