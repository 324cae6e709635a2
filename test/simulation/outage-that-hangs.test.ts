import { simulateOutage } from '../../checks/outage-simulation';

// Another seed: SEED=7 npx jest --selectProjects simulation
const seed = Number(process.env['SEED'] ?? 1);

test(`calls that hang are not followed by others that hang, and do not count against the provider afterwards (seed ${seed})`, async () => {
  const result = await simulateOutage({
    ...{ seed, failsAfterMs: 10_000, failsWith: 'TIMEOUT' },
    ...{ outageMs: 60_000, afterMs: 75_000, requestsPerSecond: 20, breaker: { maxOpenMs: 20_000 } },
  });
  expect(result.violations).toEqual([]);
  expect(result.shareWhileDown).toBeLessThan(0.01);
  expect(result.shareAfter).toBeGreaterThan(0.95);
  expect(result.dips).toBe(0);
});
