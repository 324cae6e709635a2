import { wantsMetrics, wantsTracing } from '../../../lib/telemetry/wants-tracing';

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_TRACES_EXPORTER: 'console' }, true],
  [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, false],
  [{ OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, false],
  [{ OTEL_SERVICE_NAME: 'route-intake' }, false],
])('%j: %s', (environment, wanted) => {
  expect(wantsTracing(environment)).toBe(wanted);
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, false],
  [{ OTEL_METRICS_EXPORTER: 'otlp' }, true],
  [{ OTEL_METRICS_EXPORTER: 'none' }, false],
  [{ OTEL_METRICS_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' }, false],
])('metrics for %j: %s', (environment, wanted) => {
  expect(wantsMetrics(environment)).toBe(wanted);
});
