type Environment = Readonly<Record<string, string | undefined>>;

/** Whether it asks for metrics by its name: those are served to Prometheus unless somebody wants them pushed, too. */
export function wantsMetrics({ OTEL_SDK_DISABLED: disabled, OTEL_METRICS_EXPORTER: exporter }: Environment): boolean {
  return disabled?.toLowerCase() !== 'true' && Boolean(exporter) && exporter !== 'none';
}

/** Whether OpenTelemetry's standard environment asks for traces: somewhere to send them, or an exporter by name. */
export function wantsTracing(environment: Environment): boolean {
  const {
    OTEL_SDK_DISABLED: disabled,
    OTEL_TRACES_EXPORTER: exporter,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint,
  } = environment;
  if (disabled?.toLowerCase() === 'true' || exporter === 'none') return false;
  return Boolean(exporter || endpoint || tracesEndpoint);
}
