/** Starts the OpenTelemetry SDK by its standard environment. Loaded only when tracing is wanted: the SDK costs 100 ms and more. */
import { basename, dirname } from 'node:path';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { wantsTracing } from './wants-tracing';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Traces only: metrics and logs have their own ways out (Prometheus, stderr) unless OTEL_METRICS_EXPORTER or
 * OTEL_LOGS_EXPORTER ask for more. Returns what ends it, exporting the rest.
 */
export function startTracing(environment: Environment, script: string): () => Promise<void> {
  const sdk = new NodeSDK({
    // Spans are made by hand on the hot path; nothing is patched (docs/decisions/0008-tracing.md).
    instrumentations: [],
    ...(!isNamed(environment) && { serviceName: serviceNameOf(script) }),
    // Metrics alone are no reason to send traces somewhere.
    ...(!wantsTracing(environment) && environment['OTEL_METRICS_EXPORTER'] !== undefined && { spanProcessors: [] }),
    ...(environment['OTEL_METRICS_EXPORTER'] === undefined && { metricReaders: [] }),
    ...(environment['OTEL_LOGS_EXPORTER'] === undefined && { logRecordProcessors: [] }),
  });
  sdk.start();
  return () => sdk.shutdown();
}

function isNamed(environment: Environment): boolean {
  return Boolean(
    environment['OTEL_SERVICE_NAME'] || environment['OTEL_RESOURCE_ATTRIBUTES']?.includes('service.name='),
  );
}

/** `…/services/route-intake/main.js` is `route-intake`; everything else is the engine as a whole. */
export function serviceNameOf(script: string): string {
  const folder = dirname(script);
  return basename(script, '.js') === 'main' && basename(dirname(folder)) === 'services'
    ? basename(folder)
    : 'quantum-router';
}
