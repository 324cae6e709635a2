import { type MetricDefinition, metricDefinitions } from '../../../lib/telemetry/metric-names';
import { createMetrics } from '../../../lib/telemetry/metrics';

/** What `promtool check metrics` complains about. */
function faultsOf(name: string, { type, labels, doc }: MetricDefinition): string[] {
  const words = name.split('_');
  const faults: [boolean, string][] = [
    [doc === '', 'no help text'],
    [/[a-z][A-Z]/.test(name) || labels.some((label) => /[a-z][A-Z]/.test(label)), 'names in snake_case, not camelCase'],
    [type === 'counter' && !name.endsWith('_total'), 'a counter ends with _total'],
    [type !== 'counter' && name.endsWith('_total'), 'only a counter ends with _total'],
    [type !== 'histogram' && /_(count|sum|bucket)$/.test(name), '_count, _sum and _bucket belong to histograms'],
    [labels.includes('le'), 'the label le belongs to histograms'],
    [labels.includes('quantile'), 'the label quantile belongs to summaries'],
    [
      words.some((word) => ['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(word)),
      'a type in the name',
    ],
    [words.some((word) => /^(s|ms|us|ns|sec|b|kb|mb|gb|h|min)$/.test(word)), 'an abbreviated unit'],
    [/(milli|micro|nano|kilo|mega|kibi|mebi|minutes|hours|days)/.test(name), 'a unit that is not the base one'],
  ];
  return faults.filter(([isFault]) => isFault).map(([, fault]) => `${name}: ${fault}`);
}

test('the names, labels and help texts of all metrics are what promtool accepts', () => {
  const definitions = Object.entries<MetricDefinition>(metricDefinitions);
  expect(definitions.flatMap(([name, definition]) => faultsOf(name, definition))).toEqual([]);
  expect(faultsOf('x_ms', { type: 'counter', labels: ['quantile'], doc: '' })).toHaveLength(4);
});

test('every metric is served with its help and its type', async () => {
  const text = await createMetrics().text();
  for (const [name, { type }] of Object.entries<MetricDefinition>(metricDefinitions)) {
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
  }
});
