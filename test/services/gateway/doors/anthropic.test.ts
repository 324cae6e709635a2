/** Anthropic in its own API behind the doors of chat and responses, against a server that speaks its documented words. */
import type Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { fails, json, sse, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, priced, startDoors } from './start-doors';

/** So that of a hundred tokens each kind can be told in the cost. */
const price = { ...priced, cachedInputPerMillionUsd: 0.1, cacheWritePerMillionUsd: 1.25 };
/** Of `usage` below, whichever API it came by. */
const costUsd = (3 * 1 + 20 * 0.1 + 100 * 1.25 + 9 * 10) / 1e6;
const user = { role: 'user' as const, content: 'What is the weather?' };
const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema, strict: true } }];
const usage = {
  ...{ input_tokens: 3, cache_creation_input_tokens: 100, cache_read_input_tokens: 20, output_tokens: 9 },
  output_tokens_details: { thinking_tokens: 5 },
};
const messageOf = (content: readonly object[], stop: Anthropic.StopReason | null) => ({
  ...{ id: 'msg_up', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5-20250929' },
  ...{ content, stop_reason: stop, stop_sequence: null, usage },
});
const thought = { type: 'thinking', thinking: 'Hm.', signature: 'c2lnbmVk' };
const calls = ['Oslo', 'Rome'].map((city) => ({
  ...{ type: 'tool_use', id: `toolu_${city}`, name: 'weather' },
  input: { city },
}));
const text = (said: string) => ({ type: 'text', text: said });
const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

/** A message as its API streams it: each block begun empty and written in two pieces. */
function streamOf(content: readonly object[], stop: Anthropic.StopReason): string {
  const blocks = (content as readonly Record<string, unknown>[]).map((block, index) => {
    const said =
      block['type'] === 'tool_use' ? JSON.stringify(block['input']) : String(block['text'] ?? block['thinking']);
    const [start, kind, field] =
      block['type'] === 'tool_use'
        ? [{ ...block, input: {} }, 'input_json_delta', 'partial_json']
        : block['type'] === 'text'
          ? [text(''), 'text_delta', 'text']
          : [{ type: 'thinking', thinking: '', signature: '' }, 'thinking_delta', 'thinking'];
    const pieces = [said.slice(0, 4), said.slice(4)].map((piece) => ({ type: kind, [field as string]: piece }));
    const signed = block['type'] === 'thinking' ? [{ type: 'signature_delta', signature: block['signature'] }] : [];
    return [
      event('content_block_start', { index, content_block: start }),
      ...[...pieces, ...signed].map((delta) => event('content_block_delta', { index, delta })),
      event('content_block_stop', { index }),
    ].join('');
  });
  const message = { ...messageOf([], null), usage: { ...usage, output_tokens: 1, output_tokens_details: null } };
  const { output_tokens, output_tokens_details } = usage;
  return [
    ...[event('message_start', { message }), event('ping'), ...blocks],
    event('message_delta', { delta: { stop_reason: stop }, usage: { output_tokens, output_tokens_details } }),
    event('message_stop'),
  ].join('');
}

let upstream: Awaited<ReturnType<typeof startMisbehaving>>;
let doors: Awaited<ReturnType<typeof startDoors>>;
let openai: OpenAI;
const model = 'claude';
beforeAll(async () => {
  upstream = await startMisbehaving();
  const config = orderedConfig(
    [
      { name: model, provider: 'anthropic', upstreamModel: 'claude-sonnet-4-5', price },
      { name: 'claude-opus-4-1-20250805', provider: 'anthropic' },
      { name: 'gpt', provider: 'openai' },
    ],
    {
      anthropic: { kind: 'anthropic', baseUrl: upstream.url, apiKeyEnv: 'ANTHROPIC_API_KEY' },
      openai: { kind: 'openai', baseUrl: upstream.url },
    },
  );
  doors = await startDoors(config, { ANTHROPIC_API_KEY: 'a-secret' });
  openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

/** Says these blocks from now on, whole or streamed. */
const says = (content: readonly object[], stop: Anthropic.StopReason): void =>
  upstream.behave('claude-sonnet-4-5', (response, { body }) =>
    body.stream
      ? response.writeHead(200, sse).end(streamOf(content, stop))
      : response.writeHead(200, json).end(JSON.stringify(messageOf(content, stop))),
  );
const last = () => upstream.received.at(-1)!;

test('what is asked is put into its words: instructions, pictures, what is to be cached, form, effort and limits', async () => {
  says([text('{"city":"Oslo"}')], 'end_turn');
  const cached = { cache_control: { type: 'ephemeral' } };
  const parts = [
    { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,aGk=' } },
    { type: 'image_url' as const, image_url: { url: 'https://example.org/a.png' } },
    { type: 'file' as const, file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' } },
    { type: 'text' as const, text: 'Where?', ...cached },
  ];
  const made = await openai.chat.completions.parse({
    model,
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: parts },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
    ...{ max_completion_tokens: 99, temperature: 1.5, top_p: 1, stop: 'END', user: 'u1', reasoning_effort: 'minimal' },
    ...{ seed: 7, n: 1, store: false, top_k: 5 },
  });
  expect(made.choices[0]!.message.parsed).toEqual({ city: 'Oslo' });
  const { path, headers, body } = last();
  expect([path, headers['x-api-key'], headers['anthropic-version'], headers.authorization]).toEqual([
    ...['/v1/messages', 'a-secret', '2023-06-01', undefined],
  ]);
  expect(body).toEqual({
    ...{ model: 'claude-sonnet-4-5', max_tokens: 99, temperature: 1, top_k: 5, stop_sequences: ['END'] },
    ...{ system: [text('Be brief.')], metadata: { user_id: 'u1' } },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } },
          {
            ...{ type: 'document', title: 'a.pdf' },
            source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' },
          },
          { ...text('Where?'), ...cached },
        ],
      },
    ],
    output_config: { format: { type: 'json_schema', schema }, effort: 'low' },
  });
  expect(await doors.outcomes(made.id, 1)).toMatchObject([
    {
      ...{ inputTokens: 123, cachedInputTokens: 20, outputTokens: 9, reasoningTokens: 5, costUsd },
      rewardParts: { 'mechanical:structured': 1 },
    },
  ]);
});

test.each(['whole', 'streamed'])(
  'thoughts and tool calls made at the same time, %s: results go back with what it has signed',
  async (how) => {
    says([thought, text('Let me see.'), ...calls], 'tool_use');
    const asked = { model, messages: [user], tools, tool_choice: 'required' as const, parallel_tool_calls: true };
    const made =
      how === 'whole'
        ? await openai.chat.completions.create(asked)
        : await openai.chat.completions
            .stream({ ...asked, stream_options: { include_usage: true } })
            .finalChatCompletion();
    expect(last().body).toMatchObject({
      tools: [{ name: 'weather', input_schema: schema, strict: true }],
      tool_choice: { type: 'any' },
    });
    const [choice] = made.choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        ...{ content: 'Let me see.', reasoning_content: 'Hm.' },
        tool_calls: calls.map(({ id, name, input }) => ({ id, function: { name, arguments: JSON.stringify(input) } })),
      },
    });
    expect(made.usage).toMatchObject({
      ...{ prompt_tokens: 123, completion_tokens: 9, total_tokens: 132 },
      ...{ prompt_tokens_details: { cached_tokens: 20 }, completion_tokens_details: { reasoning_tokens: 5 } },
    });
    expect(await doors.outcomes(made.id, 1)).toMatchObject([{ rewardParts: { 'mechanical:tools': 1 } }]);

    says([text('Rain.')], 'end_turn');
    const { message } = choice!;
    const results = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: 'rain' }));
    const turns = [user, message, ...results];
    const answered = await openai.chat.completions.create({ model, messages: [...turns, user] });
    expect(answered.choices[0]!.message.content).toBe('Rain.');
    expect(last().body.messages.slice(1)).toEqual([
      { role: 'assistant', content: [thought, text('Let me see.'), ...calls] },
      {
        role: 'user',
        content: [
          ...calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: [text('rain')] })),
          text(user.content),
        ],
      },
    ]);
    // It wants tools declared that the conversation has called, and none may be.
    expect(last().body).toMatchObject({ tools: [{ name: 'weather' }], tool_choice: { type: 'none' } });
    await openai.chat.completions.create({ model: 'gpt', messages: turns });
    expect(last().text).not.toContain('c2lnbmVk');
  },
);

test('responses: streamed tools and what is signed, structured output, usage', async () => {
  says([thought, ...calls], 'tool_use');
  const responseTools = [{ type: 'function' as const, name: 'weather', parameters: schema, strict: true }];
  const made = await openai.responses.stream({ model, input: 'hi', tools: responseTools }).finalResponse();
  expect(made.usage).toMatchObject({ input_tokens: 123, output_tokens: 9 });
  says([text('{"city":"Oslo"}')], 'end_turn');
  const results = calls.map(({ id }) => ({ type: 'function_call_output' as const, call_id: id, output: 'rain' }));
  const parsed = await openai.responses.parse({
    ...{ model, input: [user, ...(made.output as OpenAI.Responses.ResponseInputItem[]), ...results] },
    ...{ tools: responseTools, tool_choice: 'none' },
    text: { format: { type: 'json_schema', name: 'place', schema } },
  });
  expect(parsed.output_parsed).toEqual({ city: 'Oslo' });
  expect(last().body.messages[1]).toEqual({ role: 'assistant', content: [thought, ...calls] });
  expect(last().body).toMatchObject({ tool_choice: { type: 'none' }, output_config: { format: { schema } } });
});

test.each([
  ['end_turn', 'stop', 'completed'],
  ['stop_sequence', 'stop', 'completed'],
  ['pause_turn', 'stop', 'completed'],
  ['max_tokens', 'length', 'incomplete'],
  ['model_context_window_exceeded', 'length', 'incomplete'],
  ['refusal', 'content_filter', 'incomplete'],
] as const)('an answer that ends with %s', async (stop, finish, status) => {
  says([text('Well.')], stop);
  const asked = { model, messages: [user] };
  const whole = await openai.chat.completions.create(asked);
  const streamed = await openai.chat.completions.create({ ...asked, stream: true });
  const finishes: unknown[] = [whole.choices[0]!.finish_reason];
  for await (const { choices } of streamed) if (choices[0]?.finish_reason) finishes.push(choices[0].finish_reason);
  expect(finishes).toEqual([finish, finish]);
  expect(await openai.responses.create({ model, input: 'hi' })).toMatchObject({ status });
});

test('ids that other providers have made are written as it takes them', async () => {
  says([text('Rain.')], 'end_turn');
  const id = 'functions.weather:0';
  const call = { id, type: 'function' as const, function: { name: 'weather', arguments: '{}' } };
  const messages = [user, { role: 'assistant' as const, tool_calls: [call] }];
  await openai.chat.completions.create({
    model,
    messages: [...messages, { role: 'tool', tool_call_id: id, content: '' }],
  });
  const [, made, result] = last().body.messages;
  expect([made.content[0].id, result.content[0].tool_use_id]).toEqual(['functions_weather_0', 'functions_weather_0']);
});

test('a session in the metadata of a message is for the router, a user for Anthropic', async () => {
  says([text('Well.')], 'end_turn');
  for (const [metadata, passedOn] of [
    [{ session_id: 'one' }, undefined],
    [{ session_id: 'one', user_id: 'u1' }, { user_id: 'u1' }],
    [{ user_id: 'u1' }, { user_id: 'u1' }],
  ]) {
    const answer = await doors.post('/v1/messages', { model, max_tokens: 9, messages: [user], metadata });
    expect(answer.status).toBe(200);
    expect(last().body).toEqual({
      ...{ model: 'claude-sonnet-4-5', max_tokens: 9, messages: [user] },
      ...(passedOn && { metadata: passedOn }),
    });
  }
});

test('an alias of its provider names a configured model', async () => {
  const message = (): object => messageOf([text('Well.')], 'end_turn');
  upstream.behave('claude-opus-4-1-20250805', (response) =>
    response.writeHead(200, json).end(JSON.stringify(message())),
  );
  const body = { model: 'claude-opus-4-1', max_tokens: 9, messages: [user] };
  const answer = await doors.post('/v1/messages', body);
  expect([answer.status, answer.headers.get('x-quantum-model')]).toEqual([200, 'claude-opus-4-1-20250805']);
  expect(last().body).toEqual({ ...body, model: 'claude-opus-4-1-20250805' });
  const counted = await doors.post('/v1/messages/count_tokens', { model: body.model, messages: body.messages });
  expect([counted.status, last().body.model]).toEqual([200, 'claude-opus-4-1-20250805']);
});

test('objects of a schema that do not say so have no other fields, as it demands', async () => {
  says([text('{}')], 'end_turn');
  const open = {
    type: 'object',
    properties: { a: { type: 'object' }, b: { type: 'object', additionalProperties: {} } },
  };
  const json_schema = { name: 'open', schema: open };
  await openai.chat.completions.create({
    model,
    messages: [user],
    response_format: { type: 'json_schema', json_schema },
  });
  expect(last().body.output_config.format.schema).toEqual({
    ...{ type: 'object', additionalProperties: false },
    properties: { a: { type: 'object', additionalProperties: false }, b: open.properties.b },
  });
});

test.each([
  ['n', { n: 2 }],
  ['logprobs', { logprobs: true }],
  ['presence_penalty', { presence_penalty: 0.5 }],
  ['response_format.type', { response_format: { type: 'json_object' } }],
  ['functions', { functions: [{ name: 'f' }] }],
  ['tool_choice.type', { tools, tool_choice: { type: 'allowed_tools' } }],
  ['messages[0].content[0]', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] }],
] as const)('%s has no counterpart: another model is asked, else it is refused', async (field, more) => {
  const asked = { messages: [user], ...more };
  const refused = await doors.post('/v1/chat/completions', { model, ...asked });
  expect([refused.status, ((await refused.json()) as { error: { param: string } }).error.param]).toEqual([400, field]);
  const answered = await doors.post('/v1/chat/completions', { model: 'auto', ...asked });
  expect([answered.status, answered.headers.get('x-quantum-model')]).toEqual([200, 'gpt']);
});

test('what is put into the cache is paid at its own price by each API', async () => {
  says([text('Well.')], 'end_turn');
  const more = { max_tokens: 9, messages: [user] };
  for (const [path, body] of [
    ['/v1/messages', more],
    ['/v1/responses', { input: 'hi' }],
    ['/v1/chat/completions', more],
  ] as const) {
    for (const stream of [false, true]) {
      const answer = await doors.post(path, { model, stream, ...body });
      await answer.text();
      const [outcome] = await doors.outcomes(answer.headers.get('x-quantum-decision-id')!, 1);
      expect([path, stream, outcome!.costUsd]).toEqual([path, stream, expect.closeTo(costUsd, 12)]);
    }
  }
});

test('errors: what is wrong with a request in the form of the API that was called, one in a stream as such', async () => {
  const said = { type: 'error', error: { type: 'invalid_request_error', message: 'temperature: must be a number' } };
  upstream.behave('claude-sonnet-4-5', fails(400, {}, said));
  const chat = openai.chat.completions.create({ model, messages: [user] });
  await expect(chat).rejects.toMatchObject({ status: 400, error: { message: said.error.message } });
  await expect(chat).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  await expect(openai.responses.create({ model, input: 'hi' })).rejects.toMatchObject({
    error: { message: said.error.message },
  });
  const overloaded = event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } });
  upstream.behave('claude-sonnet-4-5', (response) =>
    response
      .writeHead(200, sse)
      .end(streamOf([text('Well then.')], 'end_turn').split('event: content_block_stop')[0] + overloaded),
  );
  const answer = await doors.post('/v1/chat/completions', { model, messages: [user], stream: true });
  expect(await answer.text()).toMatch(/Well.*overloaded_error/s);
});
