/** What a configuration may say of alerts, and what is wrong with others. */
import { defaultConfigYaml, parseConfig } from '../../../../lib/config/parse-config';

const base = 'models: [{ name: any, provider: any }]\n';
const faultsOf = (alerts: string): [string, string][] => {
  const parsed = parseConfig(`${base}alerts: ${alerts}`);
  return parsed.ok ? [] : parsed.errors.map(({ path, message }) => [path, message]);
};

test('by default every rule is on and nobody is told', () => {
  const parsed = parseConfig(base);
  expect(parsed.ok && Object.values(parsed.config.alerts.rules).every(({ enabled }) => enabled)).toBe(true);
  expect(parsed.ok && parsed.config.alerts.webhooks).toEqual([]);
});

test('the file that init writes has every rule with its settings', () => {
  expect(defaultConfigYaml()).toMatch(/\nalerts:\n[^#]*# what rings, and when\n {2}rules: \{ ?providerDown: /);
});

test.each([
  ['{ rules: { errorRate: { above: 2 } } }', 'alerts.rules.errorRate.above', /1/],
  ['{ rules: { errorRate: { windowMs: 7200000 } } }', 'alerts.rules.errorRate.windowMs', /3600000/],
  ['{ rules: { errorrate: {} } }', 'alerts.rules.errorrate', /errorRate/],
  ['{ webhooks: [{ name: a }] }', 'alerts.webhooks.0.url', /url or urlEnv/],
  ['{ webhooks: [{ name: a, url: "http://b/", urlEnv: B }] }', 'alerts.webhooks.0.url', /one of the two/],
  ['{ webhooks: [{ name: a, url: "file:///etc" }] }', 'alerts.webhooks.0.url', /https:/],
  ['{ webhooks: [{ name: a, url: "http://me:pass@b/" }] }', 'alerts.webhooks.0.url', /urlEnv/],
  ['{ webhooks: [{ name: a, urlEnv: B }, { name: a, urlEnv: B }] }', 'alerts.webhooks.1.name', /another webhook/],
])('%s is refused, and the field is named', (alerts, path, message) => {
  const faults = faultsOf(alerts);
  expect(faults.map(([field]) => field)).toEqual([path]);
  expect(faults[0]![1]).toMatch(message);
});

test('a secret that is written down is refused and not repeated', () => {
  const [fault] = faultsOf('{ webhooks: [{ name: a, url: "https://b/", secretEnv: "s3cret!" }] }');
  expect(fault![0]).toBe('alerts.webhooks.0.secretEnv');
  expect(fault![1]).not.toContain('s3cret');
});
