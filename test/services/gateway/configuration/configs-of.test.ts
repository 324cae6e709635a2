import { configToJson, defaultRouterConfig } from '../../../../lib/config/parse-config';
import { configsOf } from '../../../../services/gateway/configuration/configs-of';

const configOf = (seed: number) => defaultRouterConfig([{ name: 'flint', provider: 'acme' }], { seed });

test('a version is read once; one that is not in the history is taken for the one in force', () => {
  const inForce = configOf(3);
  const of = configsOf(new Map([1, 2].map((seed) => [seed, configToJson(configOf(seed))])), inForce);
  expect(of(1).seed).toBe(1);
  expect(of(2).seed).toBe(2);
  expect(of(1)).toBe(of(1));
  expect(of(7)).toBe(inForce);
});
