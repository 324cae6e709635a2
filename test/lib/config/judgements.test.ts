import { parseConfig } from '../../../lib/config/parse-config';

const parsed = (judges: string) =>
  parseConfig(`models: [{ name: a, provider: p }]\njudgements: { judges: ${judges} }\n`, { environment: {} });
const faults = (judges: string): string => {
  const result = parsed(judges);
  return result.ok ? '' : JSON.stringify(result.errors);
};

test('a judge has defaults that spend little, and a model that there is', () => {
  expect(parsed('[{ name: critic, model: a }]')).toMatchObject({
    ok: true,
    config: { judgements: { nextTurn: true, judges: [{ share: 0.02, pairShare: 0, maxUsdPerDay: 1 }] } },
  });
  expect(faults('[{ name: critic, model: b }]')).toMatch(/judgements\.judges\.?\[?0\]?\.model|there is no model/);
});

test.each([
  ['names that are no part of a source', '[{ name: "a b", model: a }]'],
  ['the same name twice', '[{ name: x, model: a }, { name: x, model: a }]'],
  ['a share of more than all', '[{ name: x, model: a, share: 2 }]'],
])('%s are refused', (_what, judges) => {
  expect(faults(judges)).toMatch(/judgements/);
});
