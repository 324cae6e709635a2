import { type MetricDefinition, metricDefinitions } from '../../../lib/telemetry/metric-names';
import { createMetrics } from '../../../lib/telemetry/metrics';

describe('names', () => {
  test.each(Object.entries<MetricDefinition>(metricDefinitions))('%s follows the conventions', (name, definition) => {
    expect(name).toMatch(/^quantum_router(_[a-z]+)+$/);
    expect(name.endsWith('_total')).toBe(definition.type === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds)$/);
    expect(definition.doc).toMatch(/^[A-Z1].*\.$/);
    expect(definition.buckets !== undefined).toBe(definition.type === 'histogram');
    expect([...(definition.buckets ?? [])].sort((a, b) => a - b)).toEqual(definition.buckets ?? []);
  });
});

test('counters add up, per set of labels, whether bound or not', async () => {
  const metrics = createMetrics();
  const labels = { service: 'a', topic: 't' };
  const bound = metrics.counter('quantum_router_records_in_total', labels);
  bound();
  bound(3);
  metrics.count('quantum_router_records_in_total', labels);
  metrics.count('quantum_router_records_in_total', { service: 'b', topic: 't' }, 10);
  expect(await metrics.value('quantum_router_records_in_total', labels)).toBe(5);
  expect(await metrics.value('quantum_router_records_in_total', { service: 'b', topic: 't' })).toBe(10);
  expect(await metrics.value('quantum_router_records_in_total', { service: 'c', topic: 't' })).toBe(0);
});

test('gauges keep the last value', async () => {
  const metrics = createMetrics();
  metrics.set('quantum_router_http_waiting', {}, 5);
  metrics.gauge('quantum_router_http_waiting', {})(2);
  expect(await metrics.value('quantum_router_http_waiting', {})).toBe(2);
});

test('text has every metric with its doc, histograms with buckets, and what is read at the scrape', async () => {
  const metrics = createMetrics();
  metrics.observe('quantum_router_write_seconds', { service: 'toy' }, 0.0015);
  metrics.histogram('quantum_router_write_seconds', { service: 'toy' })(3);
  metrics.onCollect(() => metrics.set('quantum_router_event_loop_delay_seconds', { percentile: '99' }, 0.25));
  const text = await metrics.text();
  for (const [name, { doc, type }] of Object.entries<MetricDefinition>(metricDefinitions)) {
    expect(text).toContain(`# HELP ${name} ${doc}\n# TYPE ${name} ${type}`);
  }
  expect(text).toContain('quantum_router_write_seconds_bucket{le="0.001",service="toy"} 0');
  expect(text).toContain('quantum_router_write_seconds_bucket{le="0.002",service="toy"} 1');
  expect(text).toContain('quantum_router_write_seconds_count{service="toy"} 2');
  expect(text).toContain('quantum_router_event_loop_delay_seconds{percentile="99"} 0.25');
  expect(metrics.contentType).toMatch(/^text\/plain/);
});

test('two instances do not mix', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.count('quantum_router_restarts_total', { service: 'toy' });
  expect(await other.value('quantum_router_restarts_total', { service: 'toy' })).toBe(0);
});

test('a label that does not belong to a metric is refused, at run time too', () => {
  const metrics = createMetrics();
  // @ts-expect-error an unknown label does not type-check
  expect(() => metrics.count('quantum_router_restarts_total', { servce: 'a' })).toThrow(/servce/);
  // @ts-expect-error an unknown name does not type-check
  expect(() => metrics.count('quantum_router_restart_total', { service: 'a' })).toThrow();
});
