import { countInvalidConfig, createConfigReader } from '../../../lib/config/current-config';
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { ConfigApplied } from '../../../lib/topics/generated/messages';

const applied = (version: number, json?: string): ConfigApplied => ({
  version,
  json: json ?? configToJson(defaultRouterConfig([{ name: 'a', provider: 'p' }], { seed: version })),
  appliedAtMs: 10 * version,
  appliedBy: '',
  fileSha256: null,
});
const viewOf = (current: ConfigApplied | undefined) => ({ get: () => current });

const fail = (): void => {
  throw new Error('it is valid');
};

test('null before the first, then each version parsed once', () => {
  const read = createConfigReader(fail);
  expect(read(viewOf(undefined))).toBeNull();
  const first = applied(1);
  expect(read(viewOf(first))).toMatchObject({ version: 1, appliedAtMs: 10, config: { seed: 1 } });
  expect(read(viewOf(first))).toBe(read(viewOf(first)));
  expect(read(viewOf(applied(2)))!.config.seed).toBe(2);
});

test('one that is not valid is reported once, and the one before it stays in force', () => {
  const reported: number[] = [];
  const read = createConfigReader(({ version }) => reported.push(version));
  read(viewOf(applied(1)));
  const broken = viewOf(applied(2, 'no JSON'));
  expect(read(broken)!.version).toBe(1);
  expect(read(broken)!.version).toBe(1);
  expect(reported).toEqual([2]);
  expect(read(viewOf(applied(3)))!.version).toBe(3);
});

test('a service counts it', async () => {
  const metrics = createMetrics();
  const read = createConfigReader(countInvalidConfig(metrics, 'toy'));
  expect(read(viewOf(applied(1, '{"models": []}')))).toBeNull();
  expect(await metrics.value('quantum_router_view_undecodable_total', { service: 'toy', topic: 'config' })).toBe(1);
});
