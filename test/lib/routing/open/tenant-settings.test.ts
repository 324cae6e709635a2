/** Settings of single tenants: as intake routes by them, and as a configuration may state them. */
import fc from 'fast-check';
import { parseConfig } from '../../../../lib/config/parse-config';
import type { RouterConfig } from '../../../../lib/config/router-config';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { stricter } from '../../../../lib/routing/open/tenant-settings';
import type { Limits, RouteRequested } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { type PreparedRoute, prepare } from '../../../../services/route-intake/prepare';
import { configOf, nowMs, openedOf, requestOf } from '../fixtures';

const experiment = {
  name: 'preference',
  unit: 'request',
  layer: 'a',
  from: 0,
  to: 1,
  arms: [
    { name: 'control', weight: 0.001, set: {} },
    { name: 'cheap', weight: 1, set: { preference: { quality: 0, cost: 1, latency: 0 } } },
  ],
};
const tenants = {
  acme: {
    preference: { quality: 0, cost: 0, latency: 1 },
    strategies: ['PERFORMANCE'],
    collapse: 'BEST_SCORE',
    threadTimeoutMs: 40,
    explorationFloor: 0.2,
    limits: { allowedModels: ['small', 'swift'], maxCostUsd: 0.5 },
  },
  plain: {},
};
const config = configOf({ tenants, experiments: [experiment] });

function routeOf(request: Partial<RouteRequested>, of: RouterConfig = config): PreparedRoute {
  const prepared = prepare(
    requestOf(request),
    {
      ...{
        config: of,
        configVersion: 1,
        tuning: undefined,
        weights: undefined,
        nowMs,
        positions: {},
        profilesAtMs: null,
      },
      ...{
        admissions: null,
        profileOf: () => undefined,
        budgetStateOf: () => undefined,
        experimentStateOf: () => undefined,
      },
    },
    [],
  );
  if (prepared.kind === 'invalid') throw new Error(prepared.fault.reason);
  return prepared.route;
}

test('a tenant is routed by settings of its own, which the decision names; others are not', () => {
  const route = routeOf({ tenantId: 'acme' });
  expect(route).toMatchObject({
    preference: { quality: 0, cost: 0, latency: 1 },
    strategies: ['PERFORMANCE'],
    collapse: 'BEST_SCORE',
    threadTimeoutMs: 40,
    explorationFloor: 0.2,
    limits: { allowedModels: ['small', 'swift'], maxCostUsd: 0.5 },
  });
  expect(route.candidates.map(({ eligible }) => eligible)).toEqual([false, true, true]);
  const settings = ['limits', 'preference', 'strategies', 'collapse', 'threadTimeoutMs', 'explorationFloor'];
  expect([...route.tenantSettings].sort()).toEqual([...settings].sort());
  const decision = recomputeDecision({ ...openedOf(), ...route, seed: 3, cached: null }, []);
  expect([...decision.tenantSettings].sort()).toEqual([...settings].sort());
  for (const tenantId of ['plain', 'other', '__proto__', null]) {
    const other = routeOf({ tenantId });
    expect(other.tenantSettings).toEqual([]);
    expect(other.strategies).toEqual(config.strategies);
    expect(other.limits).toEqual(noLimits);
  }
});

test('what a request says itself counts more, except that limits only become stricter', () => {
  const route = routeOf({
    tenantId: 'acme',
    preference: { quality: 1, cost: 0, latency: 0 },
    strategies: ['BALANCED'],
    limits: { ...noLimits, maxCostUsd: 2, allowedModels: ['large', 'swift'] },
  });
  expect(route.preference).toEqual({ quality: 1, cost: 0, latency: 0 });
  expect(route.strategies).toEqual(['BALANCED']);
  expect(route.limits).toMatchObject({ maxCostUsd: 0.5, allowedModels: ['swift'] });
  expect(route.tenantSettings).not.toContain('preference');
  const nobody = routeOf({ tenantId: 'acme', limits: { ...noLimits, allowedModels: ['large'] } });
  expect(nobody.candidates.every(({ eligible }) => !eligible)).toBe(true);
});

test('whoever has a wish of its own takes no part in experiments with it', () => {
  expect(routeOf({ tenantId: 'acme' }).exposures).toEqual([]);
  expect(routeOf({ tenantId: 'plain' }).exposures).toHaveLength(1);
  const floors = { ...experiment, arms: experiment.arms.map((arm) => ({ ...arm, set: { explorationFloor: 0.1 } })) };
  const own = configOf({ tenants: { floor: { explorationFloor: 0.3 } }, experiments: [floors] });
  expect(routeOf({ tenantId: 'floor' }, own)).toMatchObject({ explorationFloor: 0.3, exposures: [] });
  expect(routeOf({ tenantId: 'other' }, own)).toMatchObject({ explorationFloor: 0.1, exposures: [{}] });
});

test('merged limits let through exactly what both let through', () => {
  const names = config.models.map(({ name }) => name);
  const providers = config.models.map(({ provider }) => provider);
  const listOf = (all: readonly string[]) => fc.uniqueArray(fc.constantFrom(...all), { maxLength: 3 });
  const limits = fc.record({
    maxCostUsd: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    maxLatencyMs: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    allowedModels: listOf(names),
    deniedModels: listOf(names),
    allowedProviders: listOf(providers),
    deniedProviders: listOf(providers),
  });
  const allows = (of: Omit<Limits, 'maxSessionCostUsd'>, model: string, provider: string, amount: number): boolean =>
    (of.maxCostUsd === null || amount <= of.maxCostUsd) &&
    (of.maxLatencyMs === null || amount <= of.maxLatencyMs) &&
    (of.allowedModels.length === 0 || of.allowedModels.includes(model)) &&
    (of.allowedProviders.length === 0 || of.allowedProviders.includes(provider)) &&
    !of.deniedModels.includes(model) &&
    !of.deniedProviders.includes(provider);
  fc.assert(
    fc.property(limits, limits, fc.double({ min: 0, max: 1, noNaN: true }), (own, given, amount) => {
      const asked = { ...noLimits, ...given };
      const merged = stricter(own, asked, config.models);
      for (const { name, provider } of config.models)
        expect(allows(merged, name, provider, amount)).toBe(
          allows(own, name, provider, amount) && allows(asked, name, provider, amount),
        );
    }),
  );
});

test('faults are named with their field', () => {
  const faultsOf = (tenant: string): string[] => {
    const parsed = parseConfig(`models: [{ name: a, provider: p }]\ntenants:\n  acme: ${tenant}`);
    return parsed.ok ? [] : parsed.errors.map(({ line, path, message }) => `${line} ${path} ${message}`);
  };
  expect(faultsOf('{ preference: { cost: 1 }, limits: { deniedModels: [a] } }')).toEqual([]);
  expect(faultsOf('{ limits: { allowedModels: [b] } }')).toEqual([
    expect.stringMatching(/^3 tenants\.acme\.limits\.allowedModels\.0 "b" is none/),
  ]);
  expect(faultsOf('{ preference: { cost: 0 } }')).toEqual([
    expect.stringMatching(/^3 tenants\.acme\.preference .*all be 0/),
  ]);
  expect(faultsOf('{ strategies: [BALANCED, BALANCED] }')).toEqual([
    expect.stringMatching(/^3 tenants\.acme\.strategies/),
  ]);
  expect(faultsOf('{ seed: 4 }')[0]).toMatch(/^3 tenants\.acme\.seed|^3 tenants\.acme .*seed/);
  expect(faultsOf('{ explorationFloor: 2 }')[0]).toMatch(/^3 tenants\.acme\.explorationFloor/);
});
