/** What a gateway says of the engine behind it: the last hour, its models, how ready it is, and what happens now. */
import { createParser } from 'eventsource-parser';
import { type Clock, pause } from '../../lib/ports/clock';
import { callGateway, errorMessageOf, type GatewayAddress } from '../gateway-client';
import { CliError } from '../io';

/** Figures by metric as GET /v1/analytics names them; null where nothing is known. */
export type Figures = Readonly<Record<string, number | null | undefined>>;

export interface ModelOverview {
  readonly name: string;
  readonly health: string;
  readonly figures: Figures;
}

export interface Overview {
  readonly isReady: boolean;
  readonly waitingFor: readonly string[];
  readonly rewards: number;
  readonly decisionsSinceFeedback: number;
  /** What to do about feedback; null when all is well. */
  readonly note: string | null;
  /** Of the last hour. */
  readonly figures: Figures;
  /** As configured; figures of the last hour. */
  readonly models: readonly ModelOverview[];
}

/** What the router was better by than static rules a request, off-policy; null where the log cannot tell. */
export interface Worth {
  readonly quality: number | null;
  readonly savedUsd: number | null;
}

interface Ready {
  readonly ready?: unknown;
  readonly waitingFor?: readonly string[];
  readonly learning?: {
    readonly rewards: number;
    readonly decisionsSinceFeedback: number;
    readonly note: string | null;
  };
}
interface Analytics {
  readonly rows: readonly { readonly of: Readonly<Record<string, string>>; readonly values: Figures }[];
}
interface Models {
  readonly models: readonly { readonly config: { readonly name: string }; readonly health: string }[];
}
interface Judged {
  readonly policies: readonly {
    readonly kind: string;
    readonly qualityGained: { readonly value: number } | null;
    readonly savedUsd: { readonly value: number } | null;
  }[];
}

const patienceMs = 10_000;
const ofAll = 'decisions,decisionMsP50,decisionMsP95,degradedShare,calls,errorRate,costUsd,quality,utility';
const ofModels = 'decisions,quality,latencyMsP50,errorRate,costPerCallUsd';

async function ask<T>(gateway: GatewayAddress, path: string, signal: AbortSignal): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const answer = await callGateway(gateway, 'GET', path, undefined, limit);
  // Who is not ready says so with 503, and why in the same shape.
  const isAnswer = answer.ok || (answer.body as Ready).ready === false;
  if (!isAnswer) throw new CliError(errorMessageOf(answer));
  return answer.body as T;
}

/** Throws a CliError where the gateway does not answer, or refuses to. */
export async function readOverview(gateway: GatewayAddress, signal: AbortSignal): Promise<Overview> {
  const [ready, all, byModel, { models }] = await Promise.all([
    ask<Ready>(gateway, '/ready', signal),
    ask<Analytics>(gateway, `/v1/analytics?metrics=${ofAll}`, signal),
    ask<Analytics>(gateway, `/v1/analytics?by=model&metrics=${ofModels}`, signal),
    ask<Models>(gateway, '/v1/models', signal),
  ]);
  const figures = new Map(byModel.rows.map(({ of, values }) => [of['model'], values]));
  return {
    isReady: ready.ready === true,
    waitingFor: ready.waitingFor ?? [],
    rewards: ready.learning?.rewards ?? 0,
    decisionsSinceFeedback: ready.learning?.decisionsSinceFeedback ?? 0,
    note: ready.learning?.note ?? null,
    figures: all.rows[0]?.values ?? {},
    models: models.map(({ config, health }) => ({
      name: config.name,
      health,
      figures: figures.get(config.name) ?? {},
    })),
  };
}

export async function readWorth(gateway: GatewayAddress, signal: AbortSignal): Promise<Worth> {
  const { policies } = await ask<Judged>(gateway, '/v1/analytics/counterfactuals', signal);
  const rules = policies.find(({ kind }) => kind === 'static-rules');
  return { quality: rules?.qualityGained?.value ?? null, savedUsd: rules?.savedUsd?.value ?? null };
}

/** A decision or an outcome as /v1/live tells it. */
export type LiveData = Readonly<Record<string, unknown>>;

export interface LiveEvents {
  readonly onConnected: (isConnected: boolean) => void;
  readonly onEvent: (kind: string, data: LiveData) => void;
}

const reconnectMs = 2_000;
/** A single event is a few hundred bytes. */
const maxEventLength = 100_000;

/** Follows what happens, again and again where the connection breaks, until the signal. Never rejects. */
export async function followLive(
  gateway: GatewayAddress,
  { onConnected, onEvent }: LiveEvents,
  { clock, last, signal }: { readonly clock: Clock; readonly last: number; readonly signal: AbortSignal },
): Promise<void> {
  let lastId = '';
  while (!signal.aborted) {
    try {
      const response = await fetch(`${gateway.url}/v1/live?kinds=decision,outcome&last=${last}`, {
        signal,
        headers: {
          accept: 'text/event-stream',
          ...(gateway.key !== null && { authorization: `Bearer ${gateway.key}` }),
          ...(lastId !== '' && { 'last-event-id': lastId }),
        },
      });
      // A position of another log is no reason never to come again.
      if (response.status === 400) lastId = '';
      if (response.ok && response.body) {
        onConnected(true);
        const parser = createParser({
          maxBufferSize: maxEventLength,
          onEvent({ event = '', id, data }) {
            const told: unknown = JSON.parse(data);
            if (id) lastId = id;
            if (typeof told === 'object' && told !== null) onEvent(event, told as LiveData);
          },
        });
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
      }
    } catch {
      // It breaks, or says something that is no event: the next connection goes on after the last one that was.
    }
    onConnected(false);
    await pause(clock, reconnectMs, signal);
  }
}
