/** A real HTTP server that answers chat completions most of the time, and misbehaves in every way that providers do in the rest. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RouterConfig } from '../../lib/config/router-config';
import { providerSchema } from '../../lib/config/schema/provider-schema';
import { dictionaryOf } from '../../lib/dictionary';
import type { Random } from '../../lib/ports/random';

export interface ShakyUpstream {
  /** Base URL, as of a provider. */
  readonly url: string;
  readonly calls: number;
  readonly misbehaved: number;
  close(): Promise<void>;
}

const json = { 'content-type': 'application/json' };
const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };

/** Of calls; so many that most callers meet several, so few that fallbacks are seldom shaken, too. */
const shakyShare = 0.05;

const misbehaviours: readonly ((response: ServerResponse, isStream: boolean) => unknown)[] = [
  (response) => response.writeHead(500, json).end('{"error":{"message":"storm","type":"server_error"}}'),
  (response) => response.writeHead(429, json).end('{"error":{"message":"slow down","type":"rate_limit"}}'),
  (response) => response.writeHead(429, { ...json, 'retry-after': '1' }).end('{"error":{"message":"slow down"}}'),
  (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  (response, isStream) =>
    response.writeHead(200, isStream ? { 'content-type': 'text/event-stream' } : json).end('data: {"id": nonsense\n\n'),
  (response) => response.destroy(),
  // Half an answer, and then nothing.
  (response, isStream) =>
    response
      .writeHead(200, isStream ? { 'content-type': 'text/event-stream' } : { ...json, 'content-length': '1000' })
      .write(isStream ? ': here\n\n' : '{"id":'),
  // Nothing at all: the time-out of the provider ends it.
  () => {},
];

export async function startShakyUpstream(random: Random): Promise<ShakyUpstream> {
  let calls = 0;
  let misbehaved = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const { model, stream } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; stream?: boolean };
      calls += 1;
      if (random.next() < shakyShare) {
        misbehaved += 1;
        misbehaviours[random.integer(misbehaviours.length)]!(response, stream === true);
      } else answer(response, model, stream === true);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get calls() {
      return calls;
    },
    get misbehaved() {
      return misbehaved;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, model: string, isStream: boolean): void {
  const head = { id: 'upstream', created: 1, model };
  if (!isStream) {
    const choices = [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }];
    response.writeHead(200, json).end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }));
    return;
  }
  const chunk = (delta: object, finish: string | null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    return `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices })}\n\n`;
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk({ content: 'fi' }, null));
  response.write(chunk({ content: 'ne' }, null));
  response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
}

/** Every provider is the same server: which of its models is called is the engine's to decide. */
export function providersAt(
  { url }: Pick<ShakyUpstream, 'url'>,
  { models }: { readonly models: readonly { readonly provider: string }[] },
): RouterConfig['providers'] {
  // Long enough for a machine on which all of this runs at once; a call still has time for several that hang.
  const timeouts = { connectMs: 6_000, headersMs: 6_000, firstTokenMs: 6_000, gapMs: 6_000, totalMs: 8_000 };
  const provider = providerSchema.parse({ baseUrl: url, apis: ['chat'], timeouts });
  return dictionaryOf(models.map((model) => [model.provider, provider]));
}
