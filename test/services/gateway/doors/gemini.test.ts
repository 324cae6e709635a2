/** Gemini in its own API behind the door of chat: against a mock that others wrote, and a server that speaks its documented words. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import { atEnd } from '../../../started';
import { startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

const ask = (content: string) => ({ model: 'auto', messages: [{ role: 'user' as const, content }] });
/** A model for each case: the engine learns that one fails, and would ask the other first. */
let cases = 0;
const askCase = (content: string) => {
  cases += 1;
  return { ...ask(content), quantum_router: { limits: { allowedModels: [`case-${cases}`, 'other'] } } };
};
const clientOf = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
const schemaOf = (type: string) => ({ type: 'object', properties: { city: { type } }, required: ['city'] });
const toolsOf = (type: string) => [
  { type: 'function' as const, function: { name: 'weather', description: 'Tells it.', parameters: schemaOf(type) } },
];

test('a mock that others wrote: text, streams, tool calls and structured output, whole and streamed', async () => {
  const mock = new LLMock({ port: 0 });
  mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] });
  mock.onMessage(/list/, { content: '{"items":[1,2]}' });
  mock.onMessage(/./, { content: 'Hello from the mock.' });
  await mock.start();
  atEnd(() => mock.stop());
  const doors = await startDoors(
    orderedConfig([{ name: 'gemini-2.5-flash', provider: 'google' }], {
      google: { kind: 'gemini', baseUrl: `${mock.url}/v1beta`, apiKeyEnv: 'GEMINI_API_KEY' },
    }),
    { GEMINI_API_KEY: 'a-secret' },
  );
  const openai = clientOf(doors.url);
  const { data, response } = await openai.chat.completions.create(ask('hi')).withResponse();
  expect(data.choices).toMatchObject([{ message: { content: 'Hello from the mock.' }, finish_reason: 'stop' }]);
  expect(data.id).toBe(response.headers.get('x-quantum-decision-id'));
  let text = '';
  for await (const { choices } of await openai.chat.completions.create({ ...ask('hi'), stream: true }))
    text += choices[0]?.delta.content ?? '';
  expect(text).toBe('Hello from the mock.');
  for (const [type, fits] of [
    ['string', 1],
    ['number', 0],
  ] as const) {
    const asked = { ...ask('weather?'), tools: toolsOf(type) };
    const whole = await openai.chat.completions.create(asked);
    const streamed = await openai.chat.completions.stream(asked).finalChatCompletion();
    for (const { id, choices } of [whole, streamed]) {
      expect(choices[0]!.finish_reason).toBe('tool_calls');
      const [call] = choices[0]!.message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[];
      expect(call!.function).toMatchObject({ name: 'weather', arguments: '{"city":"Oslo"}' });
      expect(await doors.outcomes(id, 1)).toMatchObject([{ rewardParts: { 'mechanical:tools': fits } }]);
    }
  }
  const schema = { type: 'object', required: ['items'], properties: { items: { type: 'array', items: {} } } };
  const listed = await openai.chat.completions.create({
    ...ask('list'),
    response_format: { type: 'json_schema', json_schema: { name: 'list', schema } },
  });
  expect(await doors.outcomes(listed.id, 1)).toMatchObject([{ rewardParts: { 'mechanical:structured': 1 } }]);
  await doors.stop();
});

interface Received {
  readonly path: string;
  readonly key: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the body of the API
  readonly body: any;
  readonly closed: Promise<'finished' | 'aborted'>;
}

/** Answers with whatever a test says, in the words of Gemini's documentation. */
async function startGemini() {
  const received: Received[] = [];
  let answer: (response: ServerResponse, path: string) => unknown = () => {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const closed = new Promise<'finished' | 'aborted'>((resolve) =>
      response.once('close', () => resolve(response.writableFinished ? 'finished' : 'aborted')),
    );
    const path = request.url ?? '';
    received.push({
      ...{ path, key: request.headers['x-goog-api-key'], closed },
      body: JSON.parse(Buffer.concat(chunks).toString()),
    });
    answer(response, path);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  atEnd(stop);
  const other = await startMisbehaving();
  const doors = await startDoors(
    orderedConfig(
      [
        { name: 'gemini', provider: 'google', upstreamModel: 'gemini-2.5-pro' },
        { name: 'other', provider: 'elsewhere', expectedQuality: 0.5 },
        ...Array.from({ length: 20 }, (_, index) => ({
          ...{ name: `case-${index + 1}`, provider: 'google', upstreamModel: 'gemini-2.5-pro', expectedQuality: 0.95 },
        })),
      ],
      {
        google: {
          ...{ kind: 'gemini', baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1beta` },
          apiKeyEnv: 'GEMINI_API_KEY',
        },
        elsewhere: { baseUrl: other.url },
      },
    ),
    { GEMINI_API_KEY: 'a-secret' },
  );
  return {
    doors,
    received,
    openai: clientOf(doors.url),
    answers(with_: (response: ServerResponse, path: string) => unknown) {
      received.length = 0;
      answer = with_;
    },
    async stop() {
      await doors.stop();
      await other.stop();
      await stop();
    },
  };
}

const json = { 'content-type': 'application/json' };
const sse = { 'content-type': 'text/event-stream' };
const usageMetadata = {
  ...{ promptTokenCount: 20, candidatesTokenCount: 5, thoughtsTokenCount: 7, cachedContentTokenCount: 4 },
  totalTokenCount: 32,
};
const answerOf = (parts: object[], more: object = {}) => ({
  candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP', ...more }],
  ...{ usageMetadata, modelVersion: 'gemini-2.5-pro-001', responseId: 'google-1' },
});
const say =
  (body: unknown, status = 200) =>
  (response: ServerResponse) =>
    response.writeHead(status, json).end(JSON.stringify(body));
const stream =
  (...events: unknown[]) =>
  (response: ServerResponse) => {
    response.writeHead(200, sse);
    for (const event of events) response.write(`data: ${JSON.stringify(event)}\r\n\r\n`);
    response.end();
  };

describe('a server that speaks as documented', () => {
  let gemini: Awaited<ReturnType<typeof startGemini>>;
  beforeAll(async () => {
    gemini = await startGemini();
  });
  afterAll(() => gemini.stop());

  test('what is asked is put into its words: instructions, pictures, tools, their results and what it has signed', async () => {
    const { openai, answers, received } = gemini;
    const call = { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' };
    answers(say(answerOf([call])));
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is the weather here?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
        ],
      },
    ];
    const more = { tools: toolsOf('string'), tool_choice: 'required' as const, stop: ['END'], seed: 7, top_p: 0.5 };
    const first = await openai.chat.completions.create({
      ...{ model: 'gemini', messages, temperature: 0.2, max_completion_tokens: 99, reasoning_effort: 'low' },
      ...more,
    });
    expect(received).toMatchObject([{ path: '/v1beta/models/gemini-2.5-pro:generateContent', key: 'a-secret' }]);
    expect(received[0]!.body).toMatchObject({
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        {
          role: 'user',
          parts: [{ text: 'What is the weather here?' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }],
        },
      ],
      generationConfig: {
        ...{ temperature: 0.2, maxOutputTokens: 99, topP: 0.5, seed: 7, stopSequences: ['END'] },
        thinkingConfig: { thinkingBudget: 1_024 },
      },
      tools: [{ functionDeclarations: [{ name: 'weather', description: 'Tells it.' }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    });
    expect(first.usage).toMatchObject({
      ...{ prompt_tokens: 20, completion_tokens: 12, total_tokens: 32 },
      ...{ prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 7 } },
    });
    const [outcome] = await gemini.doors.outcomes(first.id, 1);
    expect(outcome).toMatchObject({ inputTokens: 20, outputTokens: 12, cachedInputTokens: 4, reasoningTokens: 7 });

    const { message } = first.choices[0]!;
    const [made] = message.tool_calls!;
    answers(say(answerOf([{ text: 'Rain.' }])));
    const second = await openai.chat.completions.create({
      model: 'gemini',
      messages: [...messages, message, { role: 'tool', tool_call_id: made!.id, content: 'rain' }],
      tools: toolsOf('string'),
    });
    expect(second.choices[0]!.message.content).toBe('Rain.');
    expect(received[0]!.body.contents.slice(1)).toMatchObject([
      {
        role: 'model',
        parts: [{ functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' }],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { content: 'rain' } } }] },
    ]);
  });

  test('a schema that it has no words for is refused, and another model is asked where there is one', async () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' } } };
    const schema = { $defs: { node }, type: 'object', properties: { first: { $ref: '#/$defs/node' } } };
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'list', schema } };
    gemini.answers(say(answerOf([{ text: '{}' }])));
    const refused = gemini.openai.chat.completions.create({ ...ask('list'), model: 'gemini', response_format });
    await expect(refused).rejects.toMatchObject({ status: 400, error: { message: expect.stringMatching(/schema/) } });
    expect(gemini.received).toEqual([]);
    const answered = await gemini.openai.chat.completions
      .create({ ...askCase('list'), response_format } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .withResponse();
    expect(answered.response.headers.get('x-quantum-model')).toBe('other');
  });

  test('thoughts that a message has asked for come as such, whole and streamed, and go to nobody who would refuse them', async () => {
    const { doors, answers, received } = gemini;
    const anthropic = new Anthropic({ baseURL: doors.url, apiKey: 'none', maxRetries: 0 });
    const user = { role: 'user' as const, content: 'hi' };
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const asked = { model: 'gemini', max_tokens: 2_048, messages: [user] };
    const parts = [{ text: 'Hm.', thought: true }, { text: 'Well.' }];
    const [thought, said] = [
      { type: 'thinking', thinking: 'Hm.', signature: '' },
      { type: 'text', text: 'Well.' },
    ];
    answers(say(answerOf(parts)));
    const whole = await anthropic.messages.create({ ...asked, thinking });
    expect(received[0]!.body.generationConfig.thinkingConfig).toEqual({ thinkingBudget: 1_024, includeThoughts: true });
    expect(whole.content).toEqual([thought, said]);
    expect((await anthropic.messages.create(asked)).content).toEqual([said]);
    answers(stream(answerOf(parts)));
    const streamed = await anthropic.messages.stream({ ...asked, thinking }).finalMessage();
    expect(streamed.content).toEqual([thought, said]);
    const upstream = await startMisbehaving();
    const claude = await startDoors(
      orderedConfig([{ name: 'claude', provider: 'anthropic' }], {
        anthropic: { kind: 'anthropic', baseUrl: upstream.url },
      }),
    );
    const signed = { ...thought!, signature: 'c2lnbmVk' };
    const turns = [user, { role: 'assistant', content: [thought, signed, said] }, user];
    await claude.post('/v1/messages', { model: 'claude', max_tokens: 9, messages: turns });
    expect(upstream.received[0]!.body.messages[1].content).toEqual([signed, said]);
    await claude.stop();
    await upstream.stop();
  });

  test('a caller who takes one tool call at a time gets the first, whole and streamed', async () => {
    const { openai, answers } = gemini;
    const calls = ['Oslo', 'Rome'].map((city) => ({ functionCall: { name: 'weather', args: { city } } }));
    const asked = { ...ask('weather?'), model: 'gemini', tools: toolsOf('string') };
    const made = async (parallel_tool_calls: boolean) => {
      answers(say(answerOf(calls)));
      const whole = await openai.chat.completions.create({ ...asked, parallel_tool_calls });
      answers(stream(answerOf(calls)));
      const streamed = await openai.chat.completions.stream({ ...asked, parallel_tool_calls }).finalChatCompletion();
      return [whole, streamed].map(({ choices }) => choices[0]!.message.tool_calls!.length);
    };
    expect(await made(true)).toEqual([2, 2]);
    expect(await made(false)).toEqual([1, 1]);
  });

  test('results of calls that were made at the same time are one turn', async () => {
    const { openai, answers, received } = gemini;
    const calls = ['Oslo', 'Rome'].map((city) => ({ functionCall: { name: 'weather', args: { city } } }));
    answers(say(answerOf(calls)));
    const asked = { model: 'gemini', tools: toolsOf('string') };
    const user = { role: 'user' as const, content: 'What is the weather?' };
    const { choices } = await openai.chat.completions.create({ ...asked, messages: [user] });
    const { message } = choices[0]!;
    const results = message.tool_calls!.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: 'rain' }));
    answers(say(answerOf([{ text: 'Rain.' }])));
    await openai.chat.completions.create({ ...asked, messages: [user, message, ...results, user] });
    const rain = { functionResponse: { name: 'weather', response: { content: 'rain' } } };
    expect(received[0]!.body.contents.slice(2)).toMatchObject([
      { role: 'user', parts: [rain, rain] },
      { role: 'user', parts: [{ text: user.content }] },
    ]);
  });

  test('a stream comes as chunks of a completion, with thoughts, tool calls and usage', async () => {
    const { openai, answers, received } = gemini;
    const part = (one: object) => ({ ...answerOf([one]), candidates: [{ content: { role: 'model', parts: [one] } }] });
    answers(
      stream(
        part({ text: 'Hm.', thought: true }),
        part({ text: 'Grüße' }),
        part({ text: ' an alle' }),
        answerOf([{ functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' }]),
      ),
    );
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    const asked = { ...ask('hi'), model: 'gemini', tools: toolsOf('string'), stream: true as const };
    const options = { stream_options: { include_usage: true } };
    for await (const chunk of await openai.chat.completions.create({ ...asked, ...options })) chunks.push(chunk);
    expect(received[0]!.path).toBe('/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse');
    const deltas = chunks.map(({ choices }) => choices[0]?.delta);
    expect(deltas.map((delta) => delta?.content ?? '').join('')).toBe('Grüße an alle');
    expect(deltas[0]).toEqual({ role: 'assistant', reasoning_content: 'Hm.' });
    expect(deltas.flatMap((delta) => delta?.tool_calls ?? [])).toMatchObject([
      {
        ...{ index: 0, function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        extra_content: { google: { thought_signature: 'c2lnbmVk' } },
      },
    ]);
    expect(chunks.find(({ choices }) => choices[0]?.finish_reason)!.choices[0]!.finish_reason).toBe('tool_calls');
    expect(chunks.at(-1)!.usage).toMatchObject({ prompt_tokens: 20, completion_tokens: 12 });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(await gemini.doors.outcomes(chunks[0]!.id, 1)).toMatchObject([
      { status: 'SUCCESS', finishReason: 'tool_calls', rewardParts: { 'mechanical:tools': 1 } },
    ]);
  });

  test.each([
    ['a prompt that is blocked', { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata }],
    ['an answer that is', answerOf([], { finishReason: 'SAFETY' })],
  ])('%s is an answer of its own kind, whole and streamed', async (_what, body) => {
    const { openai, answers } = gemini;
    answers((response, path) => (path.includes('alt=sse') ? stream(body)(response) : say(body)(response)));
    const whole = await openai.chat.completions.create({ ...ask('hi'), model: 'gemini' });
    const streamed = await openai.chat.completions.stream({ ...ask('hi'), model: 'gemini' }).finalChatCompletion();
    for (const { id, choices } of [whole, streamed]) {
      expect(choices[0]!.finish_reason).toBe('content_filter');
      expect(await gemini.doors.outcomes(id, 1)).toMatchObject([{ rewardParts: { 'mechanical:finish': 0 } }]);
    }
  });

  test.each([
    [
      'a wrong key',
      say({ error: { code: 400, message: 'x', details: [{ reason: 'API_KEY_INVALID' }] } }, 400),
      'FAILURE',
    ],
    ['500', say({ error: { code: 500, message: 'x', status: 'INTERNAL' } }, 500), 'FAILURE'],
    ['garbage', (response: ServerResponse) => response.writeHead(200, json).end('{"candidates": 7'), 'FAILURE'],
    ['another shape', say({ candidates: 'none' }), 'FAILURE'],
    ['nothing in it', say({}), 'FAILURE'],
    ['a call it could not write', say(answerOf([], { finishReason: 'MALFORMED_FUNCTION_CALL' })), 'FAILURE'],
    [
      'an answer to be asked for again',
      say(answerOf([], { finishReason: 'CONTINUATION', continuationToken: 't' })),
      'FAILURE',
    ],
    ['a closed connection', (response: ServerResponse) => response.destroy(), 'FAILURE'],
  ])('%s: the next model answers', async (_what, behaviour, status) => {
    gemini.answers(behaviour);
    const { data, response } = await gemini.openai.chat.completions.create(askCase('hi')).withResponse();
    expect(response.headers.get('x-quantum-model')).toBe('other');
    expect(await gemini.doors.outcomes(data.id, 2)).toMatchObject([{ status }, { model: 'other' }]);
  });

  test.each([
    ['an error event', stream({ error: { code: 503, message: 'x', status: 'UNAVAILABLE' } })],
    ['a stream without anything', stream()],
    ['no JSON', (response: ServerResponse) => response.writeHead(200, sse).end('data: nonsense\n\n')],
    ['another content type', say(answerOf([{ text: 'hi' }]))],
  ])('%s before the first token of a stream: the next model answers', async (_what, behaviour) => {
    gemini.answers(behaviour);
    let id = '';
    for await (const chunk of await gemini.openai.chat.completions.create({ ...askCase('hi'), stream: true }))
      id = chunk.id;
    const outcomes = await gemini.doors.outcomes(id, 2);
    expect(outcomes).toMatchObject([{ status: 'FAILURE' }, { model: 'other', status: 'SUCCESS' }]);
  });

  test('what it finds wrong with a request is for the caller, and is nobody else asked', async () => {
    const { openai, answers } = gemini;
    answers(say({ error: { code: 400, message: 'contents is not specified', status: 'INVALID_ARGUMENT' } }, 400));
    const refused = openai.chat.completions.create(askCase('hi'));
    const said = { status: 400, message: expect.stringContaining('not specified') };
    // In the form of the API that was called, whichever it was.
    await expect(refused).rejects.toMatchObject({ ...said, type: 'invalid_request_error', code: 'invalid_argument' });
    const anthropic = new Anthropic({ baseURL: gemini.doors.url, apiKey: 'none', maxRetries: 0 });
    const asked = { model: 'gemini', max_tokens: 9, messages: [{ role: 'user' as const, content: 'hi' }] };
    const error = await anthropic.messages.create(asked).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    const form = { type: 'error', error: { type: 'invalid_request_error' } };
    expect(error).toMatchObject({ ...said, error: form });
    await expect(openai.responses.create({ model: 'gemini', input: 'hi' })).rejects.toMatchObject(said);
  });

  test('a stream that breaks in its middle is an error in the stream; a caller who leaves ends the call', async () => {
    const { openai, answers, received } = gemini;
    const begun = { candidates: [{ content: { role: 'model', parts: [{ text: 'Once' }] } }] };
    answers(stream(begun));
    const broken = openai.chat.completions.stream({ ...ask('hi'), model: 'gemini' });
    await expect(broken.finalChatCompletion()).rejects.toThrow();
    answers((response) => {
      response.writeHead(200, sse).write(`data: ${JSON.stringify(begun)}\n\n`);
    });
    const left = await openai.chat.completions.create({ ...ask('hi'), model: 'gemini', stream: true });
    let id = '';
    for await (const chunk of left) {
      id = chunk.id;
      break;
    }
    expect(await received[0]!.closed).toBe('aborted');
    expect(await gemini.doors.outcomes(id, 1)).toMatchObject([{ model: 'gemini', status: 'CANCELLED' }]);
  });

  test('how long it wants to be left alone stands in the body', async () => {
    const { openai, answers } = gemini;
    answers(say({ error: { code: 429, message: 'x', details: [{ retryDelay: '34.5s' }] } }, 429));
    const refused = await openai.chat.completions
      .create({ ...ask('hi'), model: 'gemini' })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    expect(Number((refused as InstanceType<typeof OpenAI.APIError>).headers!.get('retry-after'))).toBe(35);
    // Meanwhile others answer at once.
    const { response } = await openai.chat.completions.create(ask('hi')).withResponse();
    expect(response.headers.get('x-quantum-model')).toBe('other');
  });

  test('what has no counterpart goes to those that can, and is refused by name where nobody can', async () => {
    const { openai, answers, received } = gemini;
    answers(say(answerOf([{ text: 'hi' }])));
    const { response } = await openai.chat.completions.create({ ...ask('hi'), n: 2 }).withResponse();
    expect(response.headers.get('x-quantum-model')).toBe('other');
    for (const [more, param] of [
      [{ n: 2 }, 'n'],
      [{ logprobs: true }, 'logprobs'],
      [{ logit_bias: { 7: 1 } }, 'logit_bias'],
    ] as const)
      await expect(openai.chat.completions.create({ ...ask('hi'), model: 'gemini', ...more })).rejects.toMatchObject({
        ...{ status: 400, param },
      });
    expect(received).toEqual([]);
  });
});
