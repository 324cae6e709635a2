/** Makes the cheap call of a probe, and says what came of it as of any other call. Never throws for what a provider does. */
import { type ApiName, apisOf } from '../../lib/config/provider-config';
import type { Clock } from '../../lib/ports/clock';
import { emptyFacts, readWhole } from '../../lib/providers/answer-facts';
import { costOf, upstreamNameOf } from '../../lib/providers/bill-call';
import { Ending } from '../../lib/providers/ending';
import type { ProviderClient } from '../../lib/providers/provider-client';
import { UpstreamError } from '../../lib/providers/upstream-error';
import type { ModelObserved } from '../../lib/topics/generated/messages';
import type { Probe } from './plan-probes';

export interface Probed {
  /** Null where nothing was called, or nothing can be said by it. */
  readonly observed: ModelObserved | null;
  readonly status: ModelObserved['status'];
  /** Null where price or tokens are not known. */
  readonly costUsd: number | null;
  /** For people; null for an answer. */
  readonly reason: string | null;
}

/** Its statistics are no task's own. */
const probeTask = 'other';
const question = 'Say yes.';
const headers = {};
/** What each API is asked, for as short an answer as it gives. */
const bodies: Readonly<Record<ApiName, (model: string) => Readonly<Record<string, unknown>>>> = {
  chat: (model) => ({ model, max_tokens: 1, messages: [{ role: 'user', content: question }] }),
  messages: (model) => ({ model, max_tokens: 1, messages: [{ role: 'user', content: question }] }),
  responses: (model) => ({ model, max_output_tokens: 16, input: question }),
  embeddings: (model) => ({ model, input: question }),
};

export async function callProvider(client: ProviderClient, probe: Probe, clock: Clock): Promise<Probed> {
  const { model, provider, timeoutMs } = probe;
  const unusable = client.unusable(model.provider, provider);
  if (unusable !== null) return { observed: null, status: 'CANCELLED', costUsd: null, reason: unusable };
  const api = apisOf(provider)[0]!;
  const facts = emptyFacts();
  const startedAtMs = clock.nowMs();
  try {
    const { text } = await client.whole({
      ...{ provider: model.provider, config: provider, api, through: api, headers, isStream: false },
      ...{ body: JSON.stringify(bodies[api](upstreamNameOf(model))), signal: new Ending(), limitMs: timeoutMs },
    });
    if (!isAnswer(api, text, facts)) return ended('FAILURE', 'what came is no answer of this API');
    return ended('SUCCESS', null);
  } catch (error) {
    if (!(error instanceof UpstreamError)) return ended('FAILURE', (error as Error).message);
    const { isRequestFault, isUnsent, retryAfterMs } = error.details;
    // Who reads the question and finds it at fault is there: some models take no limit on their answer, or not by this name.
    if (isRequestFault) return ended('SUCCESS', error.message);
    if (isUnsent) return { observed: null, status: error.status, costUsd: null, reason: error.message };
    return ended(error.status, error.message, retryAfterMs ?? null);
  }

  function ended(status: ModelObserved['status'], reason: string | null, retryAfterMs: number | null = null): Probed {
    const nowMs = clock.nowMs();
    const observed: ModelObserved = {
      observationId: `probe/${model.name}/${nowMs}`,
      ...{ model: model.name, provider: model.provider, taskType: probeTask, status, observedAtMs: nowMs },
      // How long one token takes and what it costs says nothing of what requests will take and cost.
      ...{ quality: null, latencyMs: null, costUsd: null, inputTokens: null, outputTokens: null },
      ...{ revision: 0, replacedQuality: null, retryAfterMs, firstTokenMs: null, predictedQuality: null },
      openedAtMs: startedAtMs,
    };
    return { observed, status, costUsd: costOf(model, facts), reason };
  }
}

function isAnswer(api: ApiName, text: string, facts: ReturnType<typeof emptyFacts>): boolean {
  try {
    return readWhole(api, JSON.parse(text), facts);
  } catch {
    return false;
  }
}
