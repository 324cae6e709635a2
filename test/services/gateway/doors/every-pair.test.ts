/**
 * Every door before every kind of provider, with the client libraries that people use: what works of a pair is the table in
 * docs/gateway.md. The providers are a mock that others wrote and the demonstration upstream.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import { projectRoot } from '../../../../infra/infra-file';
import type { ProviderConfig } from '../../../../lib/config/provider-config';
import { atEnd } from '../../../started';
import { orderedConfig, startDoors } from './start-doors';

const text = 'Hello from the mock.';
const picture = 'aGVsbG8gcGljdHVyZQ==';
const pictureUrl = `data:image/png;base64,${picture}`;
const args = { city: 'Oslo' };
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };
const asked = 'What is the weather?';
/** In the words of every provider, of which the mock takes those of whom it plays. */
const usage = {
  ...{ prompt_tokens: 20, completion_tokens: 5, input_tokens: 20, output_tokens: 5 },
  ...{ promptTokenCount: 20, candidatesTokenCount: 5 },
};

/** By the name of the column. */
const kinds = {
  '`openai`': { kind: 'openai', path: '/v1', model: 'gpt-4.1' },
  '`openai`, `apis: [chat]`': { kind: 'openai', path: '/v1', model: 'gpt-4.1', apis: ['chat'] },
  '`anthropic`': { kind: 'anthropic', path: '/v1', model: 'claude-sonnet-4-5' },
  '`gemini`': { kind: 'gemini', path: '/v1beta', model: 'gemini-2.5-flash' },
  '`demo`': { kind: 'demo', path: '', model: 'demo' },
} as const;

interface Told {
  readonly decisionId: string;
  readonly text: string;
  /** Null where no tool was called. */
  readonly input: unknown;
  /** Tokens; null where nothing is said of them. */
  readonly usage: number | null;
}

/** One door, through its own client library. Each resolves with what the client was told. */
interface Door {
  whole(model: string): Promise<Told>;
  stream(model: string): Promise<Told>;
  /** A tool is called, and its result answered. */
  tools(model: string): Promise<Told>;
  streamedTools(model: string): Promise<Told>;
  picture(model: string): Promise<Told>;
}

const common = { maxRetries: 0, apiKey: 'none' };

function chatDoor(url: string): Door {
  const { completions } = new OpenAI({ ...common, baseURL: `${url}/v1` }).chat;
  const user = (content: string) => ({ role: 'user' as const, content });
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
  const told = ({ id, choices, usage }: OpenAI.ChatCompletion): Told => {
    const [call] = (choices[0]!.message.tool_calls ?? []) as OpenAI.ChatCompletionMessageFunctionToolCall[];
    expect(choices[0]!.finish_reason).toBe(call ? 'tool_calls' : 'stop');
    return {
      ...{ decisionId: id, text: choices[0]!.message.content ?? '' },
      ...{ input: call ? JSON.parse(call.function.arguments) : null, usage: usage?.completion_tokens ?? null },
    };
  };
  const streamed = (body: Parameters<typeof completions.stream>[0]) =>
    completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion();
  return {
    whole: async (model) => told(await completions.create({ model, messages: [user('hi')] })),
    stream: async (model) => told(await streamed({ model, messages: [user('hi')] })),
    async tools(model) {
      const made = await completions.create({ model, messages: [user(asked)], tools });
      const { message } = made.choices[0]!;
      const result = { role: 'tool' as const, tool_call_id: message.tool_calls![0]!.id, content: 'rain' };
      const answered = await completions.create({ model, messages: [user(asked), message, result], tools });
      return { ...told(made), text: told(answered).text };
    },
    streamedTools: async (model) => told(await streamed({ model, messages: [user(asked)], tools })),
    async picture(model) {
      const content = [
        { type: 'text' as const, text: 'hi' },
        { type: 'image_url' as const, image_url: { url: pictureUrl } },
      ];
      return told(await completions.create({ model, messages: [{ role: 'user', content }] }));
    },
  };
}

function messagesDoor(url: string): Door {
  const { messages } = new Anthropic({ ...common, baseURL: url });
  const user = (content: string) => ({ role: 'user' as const, content });
  const tools: Anthropic.Tool[] = [{ name: 'weather', input_schema: parameters }];
  const told = ({ id, content, stop_reason: stop, usage }: Anthropic.Message): Told => {
    const call = content.find((block) => block.type === 'tool_use');
    expect(stop).toBe(call ? 'tool_use' : 'end_turn');
    return {
      ...{ decisionId: id, text: content.map((block) => (block.type === 'text' ? block.text : '')).join('') },
      ...{ input: call?.input ?? null, usage: usage.output_tokens },
    };
  };
  const most = { max_tokens: 100 };
  return {
    whole: async (model) => told(await messages.create({ ...most, model, messages: [user('hi')] })),
    stream: async (model) => told(await messages.stream({ ...most, model, messages: [user('hi')] }).finalMessage()),
    async tools(model) {
      const made = await messages.create({ ...most, model, messages: [user(asked)], tools });
      const call = made.content.find((block) => block.type === 'tool_use')!;
      const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'rain' };
      const turns = [user(asked), { role: 'assistant' as const, content: made.content }];
      const asks = [...turns, { role: 'user' as const, content: [result] }];
      const answered = await messages.create({ ...most, model, messages: asks, tools });
      return { ...told(made), text: told(answered).text };
    },
    streamedTools: async (model) =>
      told(await messages.stream({ ...most, model, messages: [user(asked)], tools }).finalMessage()),
    async picture(model) {
      const source = { type: 'base64' as const, media_type: 'image/png' as const, data: picture };
      const content = [
        { type: 'image' as const, source },
        { type: 'text' as const, text: 'hi' },
      ];
      return told(await messages.create({ ...most, model, messages: [{ role: 'user', content }] }));
    },
  };
}

function responsesDoor(url: string): Door {
  const { responses } = new OpenAI({ ...common, baseURL: `${url}/v1` });
  const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'weather', parameters, strict: null }];
  const told = (response: OpenAI.Responses.Response): Told => {
    const call = response.output.find((item) => item.type === 'function_call');
    const said = response.output.flatMap((item) => (item.type === 'message' ? item.content : []));
    const extension = (response as unknown as { quantum_router?: { decisionId: string } }).quantum_router;
    return {
      decisionId: extension?.decisionId ?? '',
      text: said.map((part) => (part.type === 'output_text' ? part.text : '')).join(''),
      ...{ input: call ? JSON.parse(call.arguments) : null, usage: response.usage?.output_tokens ?? null },
    };
  };
  const streamed = (body: Parameters<typeof responses.stream>[0]) => responses.stream(body).finalResponse();
  return {
    whole: async (model) => told(await responses.create({ model, input: 'hi' })),
    stream: async (model) => told(await streamed({ model, input: 'hi' })),
    async tools(model) {
      const made = await responses.create({ model, input: asked, tools });
      const call = made.output.find((item) => item.type === 'function_call')!;
      const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'rain' };
      const input = [
        { role: 'user' as const, content: asked },
        ...(made.output as OpenAI.Responses.ResponseInputItem[]),
      ];
      return { ...told(made), text: told(await responses.create({ model, input: [...input, result], tools })).text };
    },
    streamedTools: async (model) => told(await streamed({ model, input: asked, tools })),
    async picture(model) {
      const content: OpenAI.Responses.ResponseInputMessageContentList = [
        { type: 'input_text', text: 'hi' },
        { type: 'input_image', image_url: pictureUrl, detail: 'auto' },
      ];
      return told(await responses.create({ model, input: [{ role: 'user', content }] }));
    },
  };
}

/** Passes everything on to the mock and keeps what was asked, of which the mock itself forgets what it does not understand. */
async function startRecorder(to: string) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    asked.push(body);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${to}${request.url}`, { method: 'POST', headers, body });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function start() {
  const mock = new LLMock({ port: 0 });
  mock.on({ toolResultContains: 'rain' }, { content: text, usage });
  mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: JSON.stringify(args) }], usage });
  mock.onEmbedding(/./, { embedding: [0.25, 0.5] });
  mock.onMessage(/./, { content: text, usage });
  await mock.start();
  atEnd(() => mock.stop());
  const { asked, url } = await startRecorder(mock.url);
  const columns = Object.entries(kinds);
  const doors = await startDoors(
    orderedConfig(
      columns.map(([, { model }], index) => ({ name: `model-${index}`, provider: `p-${index}`, upstreamModel: model })),
      Object.fromEntries(
        columns.map(([, { path, model: _model, ...given }], index) => {
          const provider: Partial<ProviderConfig> = given;
          return [`p-${index}`, { ...provider, ...(path !== '' && { baseUrl: `${url}${path}` }) }];
        }),
      ),
    ),
  );
  return { sent: asked, doors, columns };
}

const refused = /cannot be called by this API/;

test('the table in docs/gateway.md says what works of every pair', async () => {
  const { sent, doors, columns } = await start();
  const rows: [string, Door][] = [
    ['`/v1/chat/completions`', chatDoor(doors.url)],
    ['`/v1/messages`', messagesDoor(doors.url)],
    ['`/v1/responses`', responsesDoor(doors.url)],
  ];
  const features: [string, keyof Door, (told: Told) => void][] = [
    ['whole', 'whole', (told) => expect(told).toMatchObject({ text, input: null })],
    ['stream', 'stream', (told) => expect(told).toMatchObject({ text, input: null })],
    ['tools', 'tools', (told) => expect(told).toMatchObject({ text, input: args })],
    ['streamed tools', 'streamedTools', (told) => expect(told).toMatchObject({ input: args })],
    ['pictures', 'picture', (told) => expect(told).toMatchObject({ text })],
  ];
  const table: string[] = [];
  for (const [name, door] of rows) {
    const cells: string[] = [];
    for (const [index, [, { kind }]] of columns.entries()) {
      const works: string[] = [];
      for (const [feature, method, check] of features) {
        // It is no language model, and calls and sees nothing.
        if (kind === 'demo' && method !== 'whole' && method !== 'stream') continue;
        const told = await door[method](`model-${index}`);
        if (kind !== 'demo') check(told);
        expect(told.usage).toEqual(kind === 'demo' ? expect.any(Number) : 5);
        if (method === 'picture') expect(sent.at(-1)).toContain(picture);
        if (told.decisionId !== '')
          expect(await doors.outcomes(told.decisionId, 1)).toMatchObject([
            { model: `model-${index}`, status: 'SUCCESS', outputTokens: expect.any(Number) },
          ]);
        works.push(feature);
      }
      cells.push(works.join(', '));
    }
    table.push(`| ${[name, ...cells].join(' | ')} |`);
  }
  const embeddings = await Promise.all(
    columns.map(async (_, index) => {
      const { embeddings } = new OpenAI({ ...common, baseURL: `${doors.url}/v1` });
      const asked = (input: string | string[]) => embeddings.create({ model: `model-${index}`, input });
      const made = await asked('hi').catch((error: Error) => error.message);
      if (typeof made !== 'string') expect(made.data).toHaveLength(1);
      else expect(made).toMatch(refused);
      return typeof made === 'string' ? '—' : 'whole';
    }),
  );
  table.push(`| ${['`/v1/embeddings`', ...embeddings].join(' | ')} |`);
  const head = ['door', ...columns.map(([name]) => name)];
  const written = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...table].join('\n');
  expect(readFileSync(join(projectRoot, 'docs/gateway.md'), 'utf8')).toContain(written);
  await doors.stop();
});

test('what Gemini has signed comes back to it through every door, and goes to nobody else', async () => {
  const { sent, doors, columns } = await start();
  const signed = { extra_content: { google: { thought_signature: 'c2lnbmVk' } } };
  const call = { id: 't1', type: 'function' as const, function: { name: 'weather', arguments: '{}' }, ...signed };
  const { chat, responses } = new OpenAI({ ...common, baseURL: `${doors.url}/v1` });
  const { messages } = new Anthropic({ ...common, baseURL: doors.url });
  const user = { role: 'user' as const, content: asked };
  for (const [index, [, { kind }]] of columns.entries()) {
    if (kind === 'demo') continue;
    const model = `model-${index}`;
    await chat.completions.create({
      model,
      messages: [
        user,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 't1', content: 'rain' },
      ],
    });
    await messages.create({
      ...{ model, max_tokens: 100 },
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'weather', input: {}, ...signed }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'rain' }] },
      ],
    });
    await responses.create({
      model,
      input: [
        user,
        { type: 'function_call', call_id: 't1', name: 'weather', arguments: '{}', ...signed },
        { type: 'function_call_output', call_id: 't1', output: 'rain' },
      ],
    });
    const bodies = sent.slice(-3).map((body) => body.includes('c2lnbmVk') || body.includes('extra_content'));
    expect([model, ...bodies]).toEqual([model, ...[1, 2, 3].map(() => kind === 'gemini')]);
  }
  await doors.stop();
});
