/** The real SDK with a list in place of an exporter, registered once per test file. */
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';

type Processor = NonNullable<NodeSDKConfiguration['spanProcessors']>[number];
export type RecordedSpan = Parameters<Processor['onEnd']>[0];

export function recordSpans(options: Pick<Partial<NodeSDKConfiguration>, 'sampler'> = {}) {
  const ended: RecordedSpan[] = [];
  let flushes = 0;
  const processor: Processor = {
    onStart: () => {},
    onEnd: (span) => void ended.push(span),
    forceFlush: async () => void flushes++,
    shutdown: async () => {},
  };
  const sdk = new NodeSDK({
    ...options,
    spanProcessors: [processor],
    metricReaders: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  });
  sdk.start();
  return {
    all: (): readonly RecordedSpan[] => ended,
    flushes: () => flushes,
    /** The only span of this name; throws when there is none or more. */
    one(name: string): RecordedSpan {
      const found = ended.filter((span) => span.name === name);
      if (found.length !== 1) {
        throw new Error(
          `${found.length} spans are named ${name}; there are: ${ended.map((span) => span.name).join(', ')}`,
        );
      }
      return found[0]!;
    },
    reset: () => void ended.splice(0),
    stop: () => sdk.shutdown(),
  };
}

/** A remote span whose ids consist of one digit, and the header that names it. */
export function remoteSpan(digit: number) {
  const traceId = String(digit).repeat(32);
  const spanId = String(digit).repeat(16);
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

export function headerOf(span: RecordedSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

export function linkedSpanIds(span: RecordedSpan): string[] {
  return span.links.map(({ context }) => context.spanId);
}
