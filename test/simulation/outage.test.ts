import { simulateOutage } from '../../checks/outage-simulation';

// Another seed: SEED=7 npx jest --selectProjects simulation
const seed = Number(process.env['SEED'] ?? 1);

describe(`a provider that nearly all requests go to is down, three instances (seed ${seed})`, () => {
  test('it is left alone on every one of them, and comes back without a second dip, though it is weak at first', async () => {
    const result = await simulateOutage({
      seed,
      failsAfterMs: 300,
      outageMs: 30_000,
      afterMs: 80_000,
      requestsPerSecond: 20,
    });
    expect(result.violations).toEqual([]);
    expect(result.shareBefore).toBeGreaterThan(0.95);
    expect(result.shareWhileDown).toBeLessThan(0.01);
    expect(result.shareAfter).toBeGreaterThan(0.95);
    expect(result.dips).toBe(0);
    expect(result.failuresAfter).toBeLessThan(5);
    expect(result.unversioned).toBe(0);
  });

  test('a short outage is over soon after it, and without a second dip', async () => {
    const result = await simulateOutage({
      seed,
      failsAfterMs: 300,
      outageMs: 3_000,
      afterMs: 30_000,
      requestsPerSecond: 20,
    });
    expect(result.violations).toEqual([]);
    expect(result.dips).toBe(0);
    expect(result.failuresAfter).toBeLessThan(5);
    // Half a minute later, when a return as long as after a long outage would just be over.
    expect(result.shareAfter).toBeGreaterThan(0.95);
  });

  test('with all of its traffic at once it would be overrun, so the ramp is what helps', async () => {
    const result = await simulateOutage({
      seed,
      failsAfterMs: 300,
      outageMs: 10_000,
      afterMs: 40_000,
      requestsPerSecond: 20,
      breaker: { rampMs: 0 },
    });
    expect(result.violations).toEqual([]);
    expect(result.dips).toBeGreaterThan(0);
    expect(result.failuresAfter).toBeGreaterThan(10);
  });
});
