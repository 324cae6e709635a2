import { termsOf } from '../../../lib/budgets/terms-of';
import type { BudgetEvent, BudgetGrant, BudgetTerms, RouteOpened } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRouteCollapse } from '../../../services/route-collapse/service';
import { budgetOf } from '../../lib/budgets/fixtures';
import { openedOf } from '../../lib/routing/fixtures';
import { createWorld } from '../../lib/stream/toy';

const spender = { tenantId: 'spender', userId: null, sessionId: null, budgetApproved: null };
const [terms] = termsOf([budgetOf()], spender, 100, Date.UTC(2026, 10, 29)) as [BudgetTerms];

const grantOf = (changes: Partial<BudgetGrant> = {}): BudgetGrant => ({
  account: terms.account,
  budget: terms.budget,
  requestId: 'r1',
  routingKey: 'r1',
  verdict: 'GRANTED',
  state: 'OK',
  grantedUsd: 1,
  reason: '',
  retryAtMs: null,
  pricePerUsd: 0,
  ...changes,
});

const refusal = grantOf({ verdict: 'REFUSED', state: 'LIMIT', grantedUsd: null, reason: 'spent' });

/** Collapse with one request that waits for its budget; nothing is committed before `commitIntervalMs`. */
async function start({ commitIntervalMs }: { commitIntervalMs: number }) {
  const world = createWorld({ limits: { commitIntervalMs } });
  const { metrics } = world.host;
  const service = await world.start(createRouteCollapse({ maxPendingRoutes: 100, metrics }));
  const opened: RouteOpened = openedOf({ openedAtMs: world.clock.nowMs(), budgets: [terms] });
  await world.put(topics.routeOpened, [opened]);
  const told = () => (world.read(topics.budgetEvents) as BudgetEvent[]).map(({ kind }) => kind);
  const answers = () => ({
    decided: world.read(topics.routeDecided).length,
    refused: world.read(topics.routeRefused).length,
  });
  /** The task is taken away with what it has not committed, and another one begins. */
  const loseTask = async () => {
    world.broker.rebalance('route-collapse');
    await world.clock.settle();
  };
  return { world, service, told, answers, loseTask };
}

describe('a refusal is an answer', () => {
  test('that the next owner of the partition does not take back, although the budget has money again', async () => {
    const { world, told, answers, loseTask } = await start({ commitIntervalMs: 100_000 });
    await world.put(topics.budgetGrants, [refusal]);
    expect(answers()).toEqual({ decided: 0, refused: 1 });
    await loseTask();
    await world.put(topics.budgetGrants, [grantOf()]);
    await world.clock.advanceBy(10_000);
    expect(answers()).toEqual({ decided: 0, refused: 1 });
    expect(told()).toEqual(['ASKED', 'RELEASED']);
  });

  test('also where the request was kept before it and is read again', async () => {
    const { world, service, told, answers, loseTask } = await start({ commitIntervalMs: 50 });
    await world.clock.advanceBy(60);
    expect(service.status().rows).toBe(1);
    await world.put(topics.budgetGrants, [refusal]);
    await loseTask();
    expect(service.status().rows).toBe(1);
    await world.clock.advanceBy(10_000);
    expect(answers()).toEqual({ decided: 0, refused: 1 });
    expect(service.status().rows).toBe(0);
    expect(told()).toEqual(['ASKED']);
  });
});

test('a grant that comes after the decision releases nothing', async () => {
  const { world, told, answers } = await start({ commitIntervalMs: 100 });
  await world.put(topics.budgetGrants, [grantOf()]);
  await world.clock.advanceBy(1_000);
  expect(answers()).toEqual({ decided: 1, refused: 0 });
  await world.put(topics.budgetGrants, [grantOf()]);
  await world.clock.advanceBy(1_000);
  expect(told()).toEqual(['ASKED', 'TAKEN']);
});
