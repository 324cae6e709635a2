/** Calls of models as metrics of the real SDK; in a file of its own, since a process has one. */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { NodeSDK, metrics as sdkMetrics } from '@opentelemetry/sdk-node';
import { type ModelCall, recordModelCall } from '../../../lib/telemetry/gen-ai';

test('duration, time to the first token and tokens are measured, in seconds and by type', async () => {
  const exporter = new sdkMetrics.InMemoryMetricExporter(sdkMetrics.AggregationTemporality.CUMULATIVE);
  const reader = new sdkMetrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const sdk = new NodeSDK({
    metricReaders: [reader],
    spanProcessors: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  });
  sdk.start();
  const call: ModelCall = {
    ...{ operation: 'chat', provider: 'p', baseUrl: null, requestModel: 'm', isStream: true, attributes: {} },
    ...{ responseModel: 'm-1', responseId: null, finishReason: null, errorType: null },
    ...{ inputTokens: 12, cachedInputTokens: null, outputTokens: 34, reasoningTokens: null, firstTokenMs: 250 },
  };
  recordModelCall(call, ROOT_CONTEXT, 1_000, 2_500);
  await reader.forceFlush();
  const measured = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  const sums = measured.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ attributes, value }) => [
      descriptor.name,
      descriptor.unit,
      (value as { sum: number }).sum,
      attributes['gen_ai.token.type'] ?? null,
    ]),
  );
  expect(sums).toEqual([
    ['gen_ai.client.operation.duration', 's', 1.5, null],
    ['gen_ai.client.operation.time_to_first_chunk', 's', 0.25, null],
    ['gen_ai.client.token.usage', '{token}', 12, 'input'],
    ['gen_ai.client.token.usage', '{token}', 34, 'output'],
  ]);
  await sdk.shutdown();
});
