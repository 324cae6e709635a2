import { simulateBudgets } from '../../checks/budget-simulation';
import { configOf } from '../lib/routing/fixtures';

// Another seed: SEED=7 npx jest --selectProjects simulation
const seed = Number(process.env['SEED'] ?? 1);

const strategies = ['BALANCED', 'COST_EFFICIENT', 'PERFORMANCE'];

test(`1,000 requests of a tenant at its last cent on three instances that vanish overspend nothing (seed ${seed})`, async () => {
  const result = await simulateBudgets({
    seed,
    config: configOf({ strategies, budgets: [{ name: 'month', of: 'spender', limitUsd: 0.05 }] }),
    requests: 1_000,
    otherRequests: 100,
    instances: 3,
    kills: 6,
  });
  expect(result.violations).toEqual([]);
  expect(result.decided + result.refused).toBe(1_000);
  // It is neither refused at a fraction of the limit.
  expect(result.spentUsd).toBeGreaterThan(0.8 * result.limitUsd);
  expect(result.refused).toBeGreaterThan(500);
  expect(result.state).toMatchObject({ level: 'LIMIT', reservedCalls: 0 });
});
