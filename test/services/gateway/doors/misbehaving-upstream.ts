/** A real HTTP server that does to its callers whatever a test tells it to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../../../started';

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: bodies of several APIs
  readonly body: any;
  /** As it came. */
  readonly text: string;
  /** Resolves when the caller has closed the connection, or the answer is through. */
  readonly closed: Promise<'finished' | 'aborted'>;
}

export type Behaviour = (response: ServerResponse, received: Received) => unknown;

export async function startMisbehaving() {
  const received: Received[] = [];
  // One for each call, the last for all further ones; by the model that is asked.
  const behaviours = new Map<string, Behaviour[]>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = JSON.parse(text);
    const closed = new Promise<'finished' | 'aborted'>((resolve) =>
      response.once('close', () => resolve(response.writableFinished ? 'finished' : 'aborted')),
    );
    const one = { path: request.url ?? '', headers: request.headers, body, text, closed };
    received.push(one);
    const list = behaviours.get(body.model) ?? [good()];
    await (list.length > 1 ? list.shift()! : list[0]!)(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  atEnd(stop);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    received,
    callsOf: (model: string) => received.filter(({ body }) => body.model === model),
    behave: (model: string, ...list: Behaviour[]) => void behaviours.set(model, list),
    stop,
  };
}

const json = { 'content-type': 'application/json' };
const sse = { 'content-type': 'text/event-stream' };

export const completion = (model: string, content = 'fine', more: object = {}) => ({
  id: 'upstream-id',
  object: 'chat.completion',
  created: 1,
  model,
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
  ...more,
});

export const chunk = (model: string, content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'upstream-id', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

/** Answers as it should, whole or as a stream. */
export function good(more: object = {}): Behaviour {
  return (response, { body }) => {
    if (body.stream !== true)
      return response.writeHead(200, json).end(JSON.stringify(completion(body.model, 'fine', more)));
    response.writeHead(200, sse);
    for (const word of ['fi', 'ne']) response.write(chunk(body.model, word));
    response.write(chunk(body.model, '', 'stop'));
    const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
    response.write(`data: ${JSON.stringify({ id: 'upstream-id', choices: [], usage })}\n\n`);
    return response.end('data: [DONE]\n\n');
  };
}

export const hangs: Behaviour = () => {};

export function fails(
  status: number,
  headers: Record<string, string> = {},
  body: unknown = { error: { message: 'no', type: 'x' } },
): Behaviour {
  return (response) => response.writeHead(status, { ...json, ...headers }).end(JSON.stringify(body));
}

export function says(text: string, headers: Record<string, string> = json): Behaviour {
  return (response) => response.writeHead(200, headers).end(text);
}

/** The beginning of an answer, and then nothing or the end of the connection. */
export function half(end: 'hangs' | 'closes', words: readonly string[] = []): Behaviour {
  return (response, { body }) => {
    response.writeHead(200, body.stream === true ? sse : { ...json, 'content-length': '1000' });
    response.write(body.stream === true ? ': here\n\n' : '{"id":');
    for (const word of words) response.write(chunk(body.model, word));
    if (end === 'closes') setImmediate(() => response.destroy());
  };
}

export { json, sse };
