/** Every attempt to call a model as a span below the request of the caller, and in the metrics of OpenTelemetry. */
import type { Context } from '@opentelemetry/api';
import type { Clock } from '../../../lib/ports/clock';
import { upstreamNameOf } from '../../../lib/providers/bill-call';
import { recordModelCall } from '../../../lib/telemetry/gen-ai';
import type { Attempt } from './call-models';
import type { DoorCall } from './read-call';

/** `parent` is the span of the request. */
export function traceCall(
  { api, isStream, request }: Pick<DoorCall, 'api' | 'isStream' | 'request'>,
  attempt: Attempt,
  parent: Context,
  clock: Clock,
): void {
  const { model, providerConfig, facts, error, startedMs, firstTokenMs } = attempt;
  const nowMs = clock.nowMs();
  const nowMonotonicMs = clock.monotonicMs();
  const atMs = (monotonicMs: number): number => nowMs - (nowMonotonicMs - monotonicMs);
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, finishReason } = facts;
  recordModelCall(
    {
      operation: api === 'embeddings' ? 'embeddings' : 'chat',
      provider: model.provider,
      baseUrl: providerConfig.baseUrl,
      requestModel: upstreamNameOf(model),
      ...{ isStream, responseModel: facts.model, responseId: facts.id, finishReason, firstTokenMs },
      ...{ inputTokens, cachedInputTokens, outputTokens, reasoningTokens },
      errorType: error === null ? null : String(error.details.httpStatus ?? error.status),
      attributes: {
        'quantum_router.request_id': request.requestId,
        'quantum_router.model': model.name,
        'quantum_router.outcome.attempt': attempt.number,
      },
    },
    parent,
    atMs(startedMs),
    atMs(attempt.endedMs ?? nowMonotonicMs),
  );
}
