/**
 * An upstream for looking around without a key: it speaks the protocols, and says in every answer that it is no language
 * model. It listens on loopback alone.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DemoUpstream {
  /** Base URL, as of a provider. It listens from the first time that somebody asks. */
  url(): Promise<string>;
  /** It is started anew when it is asked for afterwards. */
  close(): Promise<void>;
}

interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

const maxBodyBytes = 16_777_216;
/** Words of one piece of a stream. */
const wordsPerPiece = 4;
/** Of an embedding. */
const dimensions = 8;

/** `createId`: fresh ids for what it answers: what is remembered of one answer must not be taken for another's. */
export function createDemoUpstream(createId: () => string): DemoUpstream {
  let started: Promise<Listening> | null = null;
  return {
    async url() {
      started ??= start(createId);
      return (await started).url;
    },
    async close() {
      const ended = started;
      started = null;
      await (await ended)?.close();
    },
  };
}

async function start(createId: () => string): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(request, response, createId).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  // It must not keep alive a process that has nothing else to do.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

type Json = Readonly<Record<string, unknown>>;

async function answer(request: IncomingMessage, response: ServerResponse, createId: () => string): Promise<void> {
  const path = request.url ?? '';
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > maxBodyBytes) return void send(response, 413, { error: { message: 'too large', type: 'demo' } });
    chunks.push(chunk as Buffer);
  }
  let body: Json;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Json;
  } catch {
    return void send(response, 400, { error: { message: 'not JSON', type: 'demo' } });
  }
  const model = String(body['model'] ?? 'demo');
  const text = `This is a demonstration answer of Quantum Router, written by no language model. It was asked as "${model.slice(0, 60)}".`;
  // About four characters make a token.
  const usage = { input: Math.ceil(length / 4), output: Math.ceil(text.length / 4) };
  const say = { id: `demo_${createId()}`, model, text, usage, isStream: body['stream'] === true, response };
  if (path.endsWith('/chat/completions')) return sayChat(say, body);
  if (path.endsWith('/messages')) return sayMessages(say);
  if (path.endsWith('/embeddings')) return sayEmbeddings(say, body);
  send(response, 404, { error: { message: 'the demonstration upstream has no such path', type: 'demo' } });
}

interface Say {
  readonly id: string;
  readonly model: string;
  readonly text: string;
  readonly usage: { readonly input: number; readonly output: number };
  readonly isStream: boolean;
  readonly response: ServerResponse;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function piecesOf(text: string): string[] {
  return text.match(new RegExp(`(?:\\S+\\s*){1,${wordsPerPiece}}`, 'g')) ?? [text];
}

function stream(response: ServerResponse, events: readonly (readonly [string | null, unknown])[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [event, data] of events) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    response.write(`${event === null ? '' : `event: ${event}\n`}data: ${text}\n\n`);
  }
  response.end();
}

function sayChat({ id, model, text, usage, isStream, response }: Say, body: Json): void {
  const counted = {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
  const head = { id, created: 0, model };
  if (!isStream) {
    const choice = { index: 0, message: { role: 'assistant', content: text, refusal: null }, finish_reason: 'stop' };
    send(response, 200, { ...head, object: 'chat.completion', choices: [choice], usage: counted });
    return;
  }
  const chunk = (delta: Json, finish: string | null): readonly [null, unknown] => [
    null,
    { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] },
  ];
  const options = body['stream_options'] as { include_usage?: unknown } | null | undefined;
  stream(response, [
    chunk({ role: 'assistant', content: '' }, null),
    ...piecesOf(text).map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
    ...(options?.include_usage === true
      ? [[null, { ...head, object: 'chat.completion.chunk', choices: [], usage: counted }] as const]
      : []),
    [null, '[DONE]'],
  ]);
}

function sayMessages({ id, model, text, usage, isStream, response }: Say): void {
  const message = { id, type: 'message', role: 'assistant', model };
  const counted = { input_tokens: usage.input, output_tokens: usage.output };
  const end = { stop_reason: 'end_turn', stop_sequence: null };
  if (!isStream) {
    send(response, 200, { ...message, content: [{ type: 'text', text }], ...end, usage: counted });
    return;
  }
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null };
  const event = (type: string, more: Json): readonly [string, unknown] => [type, { type, ...more }];
  stream(response, [
    event('message_start', { message: { ...start, usage: { ...counted, output_tokens: 1 } } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...piecesOf(text).map((piece) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
    ),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: end, usage: { output_tokens: usage.output } }),
    event('message_stop', {}),
  ]);
}

function sayEmbeddings({ model, usage, response }: Say, body: Json): void {
  const { input } = body;
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1;
  // No meaning: every text lies in the same place.
  const vector = new Float32Array(dimensions).fill(1 / Math.sqrt(dimensions));
  const embedding = body['encoding_format'] === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
  const data = Array.from({ length: Math.min(inputs, 2_048) }, (_, index) => ({
    object: 'embedding',
    index,
    embedding,
  }));
  const counted = { prompt_tokens: usage.input, total_tokens: usage.input };
  send(response, 200, { object: 'list', data, model, usage: counted });
}
