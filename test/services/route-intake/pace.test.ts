/** Accounts that are ahead of their pace, as intake pins them and as decisions and other configurations see them. */
import { stateOf } from '../../../lib/budgets/account';
import type { RouterConfig } from '../../../lib/config/router-config';
import { recomputeDecision } from '../../../lib/routing/decide/decide';
import { decideUnder } from '../../../lib/routing/decide/under-config';
import { judgeThread } from '../../../lib/routing/judge/judge-thread';
import type { BudgetState, RouteOpened } from '../../../lib/topics/generated/messages';
import { prepare } from '../../../services/route-intake/prepare';
import { configOf, nowMs, openedOf, requestOf } from '../../lib/routing/fixtures';

const hourMs = 3_600_000;
const periodStartMs = Math.floor(nowMs / hourMs) * hourMs;
const budget = { name: 'hour', period: 'hour', limitUsd: 10, pace: 'even' } as const;
const config = configOf({
  strategies: ['BALANCED'],
  preference: { quality: 1, cost: 0.1, latency: 0 },
  budgets: [budget],
});

/** All of it is spent, a penny a call. */
const spentUp: BudgetState = {
  ...stateOf(
    {
      ...{ account: 'hour/acme', periodStartMs, spentUsd: 10, spentTokens: 0, spentCalls: 1_000, beyondUsd: 0 },
      ...{
        refusals: 0,
        unreported: 0,
        level: 'OK',
        reservations: [],
        settled: [],
        reports: Buffer.alloc(0),
        refused: Buffer.alloc(0),
        earlier: [],
        lastEventMs: 0,
        publishedAtMs: 0,
      },
      isPublished: true,
      terms: openUnder(config, undefined).budgets[0]!,
    },
    nowMs,
  ),
};

function openUnder(of: RouterConfig, state: BudgetState | undefined, tenantId = 'acme'): RouteOpened {
  const prepared = prepare(
    requestOf({ tenantId }),
    {
      ...{ config: of, configVersion: 1, tuning: undefined, weights: undefined, nowMs, positions: {} },
      ...{ profilesAtMs: null, admissions: null, profileOf: () => undefined, experimentStateOf: () => undefined },
      budgetStateOf: (account) => (account === state?.account ? state : undefined),
    },
    [],
  );
  if (prepared.kind === 'invalid') throw new Error(prepared.fault.reason);
  return { ...openedOf(), ...prepared.route, cached: null, seed: 7 };
}

const decided = (opened: RouteOpened) => recomputeDecision(opened, [judgeThread('BALANCED', opened, null)]);
const expectedCostOf = (opened: RouteOpened): number =>
  decided(opened).candidates.reduce(
    (sum, { model, propensity }) =>
      sum + propensity * opened.candidates.find((candidate) => candidate.model === model)!.expectedCostUsd,
    0,
  );

test('whoever is ahead of the pace gets cheaper models, and the decision says why', () => {
  const [plain, ahead] = [openUnder(config, undefined), openUnder(config, spentUp)];
  expect(plain).toMatchObject({ preference: config.preference, budgets: [{ pricePerUsd: 0 }] });
  expect(ahead.budgets).toMatchObject([{ account: 'hour/acme' }]);
  expect(ahead.budgets[0]!.pricePerUsd).toBeGreaterThan(100);
  expect(expectedCostOf(ahead)).toBeLessThan(expectedCostOf(plain));
  expect(decided(ahead).reasoning).toContain('More is spent of hour than its pace allows by now');
  expect(decided(plain).reasoning).not.toContain('pace');
});

test('others pay nothing for it, nor does the next period, nor a budget that is not paced', () => {
  const unpaced = configOf({ ...config, budgets: [{ ...budget, pace: 'none' }] });
  for (const opened of [
    openUnder(config, spentUp, 'globex'),
    openUnder(config, { ...spentUp, periodStartMs: periodStartMs - hourMs }),
    openUnder(unpaced, spentUp),
  ])
    expect(opened).toMatchObject({ preference: config.preference, budgets: [{ pricePerUsd: 0 }] });
});

test('under another configuration the new preference is paced like the old one', () => {
  const other = configOf({ ...config, preference: { quality: 1, cost: 0, latency: 1 } });
  const under = decideUnder(openUnder(config, spentUp), config, other, null);
  const anew = decided(openUnder(other, spentUp));
  expect(under).toMatchObject({ kind: 'decision', decision: { model: anew.model, candidates: anew.candidates } });
});
