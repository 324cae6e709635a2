import fc from 'fast-check';
import type { ProviderConfig } from '../../../../lib/config/provider-config';
import { emptyFacts, readEvent, readWhole } from '../../../../lib/providers/answer-facts';
import { Ending } from '../../../../lib/providers/ending';
import { responseWriter } from '../../../../lib/providers/through-chat/chat-to-responses';
import { createChunkReader } from '../../../../lib/providers/through-chat/read-chat';
import { refersToNothing } from '../../../../lib/providers/through-chat/responses-to-chat';
import { chatCannot, streamThroughChat, wholeThroughChat } from '../../../../lib/providers/through-chat/through-chat';
import type { EventStream, StreamEvent, UpstreamCall } from '../../../../lib/providers/upstream-call';
import { errorOfStatus } from '../../../../lib/providers/upstream-error';

const provider = (kind: ProviderConfig['kind'], baseUrl = 'http://127.0.0.1:1/v1'): ProviderConfig => ({
  ...{ kind, baseUrl, apiKeyEnv: null, apis: null, headers: {}, headersEnv: {}, maxConcurrent: 1 },
  timeouts: { connectMs: 1, headersMs: 1, firstTokenMs: 1, gapMs: 1, totalMs: 1 },
});
type Api = 'messages' | 'responses';
const callOf = (api: Api, body: object, config = provider('openai')): UpstreamCall => ({
  ...{ provider: 'p', config, api, through: 'chat', body: JSON.stringify({ model: 'm', ...body }) },
  ...{ isStream: false, headers: {}, signal: new Ending(), limitMs: 1 },
});

/** What the provider was asked, and what the caller is told where it answers so. */
async function whole(api: Api, body: object, answer: object, config?: ProviderConfig) {
  let sent: UpstreamCall | null = null;
  const { text } = await wholeThroughChat(callOf(api, body, config), async (call) => {
    sent = call;
    return { text: JSON.stringify(answer), upstreamRequestId: null };
  });
  return { asked: JSON.parse(sent!.body), api: sent!.api, told: JSON.parse(text) };
}
const completion = (message: object, finish = 'stop', more: object = {}) => ({
  ...{ id: 'c1', object: 'chat.completion', created: 7, model: 'm-1' },
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
  ...more,
});
const usage = {
  ...{ prompt_tokens: 20, completion_tokens: 12, total_tokens: 32 },
  ...{ prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 7 } },
};

function eventsOf(batches: readonly (readonly StreamEvent[])[]): EventStream {
  const left = [...batches];
  return { next: async () => left.shift() ?? null, close() {}, leave() {} };
}
const chunk = (delta: object, finish: string | null = null, more: object = {}): StreamEvent => ({
  event: null,
  data: JSON.stringify({
    ...{ id: 'c1', model: 'm-1', created: 7, choices: [{ index: 0, delta, finish_reason: finish }] },
    ...more,
  }),
});
const done: StreamEvent = { event: null, data: '[DONE]' };
async function streamed(api: Api, chunks: readonly StreamEvent[], maxChars = 1_000): Promise<StreamEvent[]> {
  const send = async () => ({ upstreamRequestId: null, events: eventsOf(chunks.map((one) => [one])) });
  const { events } = await streamThroughChat(callOf(api, { stream: true }), send, maxChars);
  const told: StreamEvent[] = [];
  for (let next = await events.next(); next !== null; next = await events.next()) told.push(...next);
  return told;
}
const typesOf = (events: readonly StreamEvent[]) => events.map(({ event }) => event);

test('messages: instructions, pictures, documents, tools, their results and what is signed are put into chat', async () => {
  const extra = { google: { thought_signature: 'c2ln' } };
  const { asked, api } = await whole(
    'messages',
    {
      ...{ max_tokens: 99, temperature: 0.5, stop_sequences: ['END'], system: [{ type: 'text', text: 'Be brief.' }] },
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'weather?', cache_control: { type: 'ephemeral' } }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 's' },
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' }, extra_content: extra },
            { type: 'tool_use', id: 't2', name: 'weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'and this?' },
            {
              ...{ type: 'tool_result', tool_use_id: 't1' },
              content: [
                { type: 'text', text: 'rain' },
                { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
              ],
            },
            { type: 'tool_result', tool_use_id: 't2', content: 'no city', is_error: true },
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'cGRm' } },
          ],
        },
      ],
      tools: [{ name: 'weather', description: 'Tells it.', input_schema: { type: 'object' } }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
      metadata: { user_id: 'u1' },
    },
    completion({ content: 'x' }),
  );
  expect(api).toBe('chat');
  expect(asked).toEqual({
    ...{ model: 'm', max_tokens: 99, temperature: 0.5, stop: ['END'], user: 'u1' },
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'weather?' },
      {
        ...{ role: 'assistant', content: 'I look.' },
        tool_calls: [
          {
            ...{ id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
            extra_content: extra,
          },
          { id: 't2', type: 'function', function: { name: 'weather', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 't1', content: 'rain' },
      { role: 'tool', tool_call_id: 't2', content: 'Error: no city' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'and this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,cGRm' } },
        ],
      },
    ],
    tools: [
      {
        type: 'function',
        function: { name: 'weather', description: 'Tells it.', parameters: { type: 'object' } },
      },
    ],
    ...{ tool_choice: 'required', parallel_tool_calls: false },
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
  });
});

test('responses: items, pictures, calls made together and their results are put into chat', async () => {
  const { asked } = await whole(
    'responses',
    {
      ...{ instructions: 'Be brief.', max_output_tokens: 99, reasoning: { effort: 'low' }, store: true },
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'weather?' },
            { type: 'input_image', image_url: 'http://127.0.0.1/a.png', detail: 'low' },
          ],
        },
        { type: 'reasoning', id: 'rs_1', summary: [] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
        { type: 'function_call', call_id: 't1', name: 'weather', arguments: '{"city":"Oslo"}' },
        { type: 'function_call', call_id: 't2', name: 'weather', arguments: '{}' },
        {
          ...{ type: 'function_call_output', call_id: 't1' },
          output: [
            { type: 'input_text', text: 'rain' },
            { type: 'input_image', image_url: 'data:image/png;base64,aGk=' },
          ],
        },
        { type: 'function_call_output', call_id: 't2', output: 'none' },
      ],
      tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: true }],
      tool_choice: { type: 'function', name: 'weather' },
      text: { format: { type: 'json_schema', name: 'list', schema: {}, strict: true } },
    },
    completion({ content: 'x' }),
    provider('openai', 'https://api.openai.com/v1'),
  );
  const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'weather', arguments: text } });
  expect(asked).toEqual({
    ...{ model: 'm', max_completion_tokens: 99, reasoning_effort: 'low' },
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'weather?' },
          { type: 'image_url', image_url: { url: 'http://127.0.0.1/a.png', detail: 'low' } },
        ],
      },
      { role: 'assistant', content: 'I look.', tool_calls: [call('t1', '{"city":"Oslo"}'), call('t2', '{}')] },
      { role: 'tool', tool_call_id: 't1', content: 'rain' },
      { role: 'tool', tool_call_id: 't2', content: 'none' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
    ],
    tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' }, strict: true } }],
    tool_choice: { type: 'function', function: { name: 'weather' } },
    response_format: { type: 'json_schema', json_schema: { name: 'list', schema: {}, strict: true } },
  });
});

test.each([
  ['stop', {}, 'end_turn', 'completed', null],
  ['length', {}, 'max_tokens', 'incomplete', { reason: 'max_output_tokens' }],
  ['content_filter', {}, 'refusal', 'incomplete', { reason: 'content_filter' }],
  ['stop', { content: null, refusal: 'No.' }, 'refusal', 'completed', null],
  [
    ...(['stop', { tool_calls: [{ id: 't', function: { name: 'f', arguments: '{}' } }] }] as const),
    ...(['tool_use', 'completed', null] as const),
  ],
])('an answer that ends with %s %j is %s, and %s', async (finish, message, stop, status, why) => {
  const answer = completion({ content: 'x', ...message }, finish, { usage });
  const { told } = await whole('messages', {}, answer);
  expect(told).toMatchObject({ type: 'message', role: 'assistant', model: 'm-1', stop_reason: stop });
  expect(told.usage).toMatchObject({ input_tokens: 16, cache_read_input_tokens: 4, output_tokens: 12 });
  const { told: response } = await whole('responses', {}, answer);
  expect(response).toMatchObject({ object: 'response', status, incomplete_details: why, store: true });
  expect(response.usage).toEqual({
    ...{ input_tokens: 20, input_tokens_details: { cached_tokens: 4 }, total_tokens: 32 },
    ...{ output_tokens: 12, output_tokens_details: { reasoning_tokens: 7 } },
  });
  for (const [api, said] of [
    ['messages', told],
    ['responses', response],
  ] as const) {
    const facts = emptyFacts();
    expect(readWhole(api, said, facts)).toBe(true);
    expect(facts).toMatchObject({ inputTokens: 20, cachedInputTokens: 4, outputTokens: 12, hasContent: true });
  }
});

const toolStream = [
  // As Azure begins: what it found in the prompt, and no answer yet.
  { event: null, data: '{"id":"","choices":[],"prompt_filter_results":[]}' },
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'I ' }),
  chunk({ content: 'look.' }),
  { event: null, data: null },
  chunk({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'weather', arguments: '' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] }),
  chunk({ tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'weather', arguments: '{}' } }] }),
  chunk({}, 'tool_calls'),
  { event: null, data: JSON.stringify({ id: 'c1', choices: [], usage }) },
  done,
];

test('a stream becomes the events of messages, in the order that clients expect', async () => {
  const told = await streamed('messages', toolStream);
  const delta = 'content_block_delta';
  expect(typesOf(told)).toEqual([
    ...['message_start', 'content_block_start', delta, delta, null, 'content_block_stop'],
    ...['content_block_start', delta, delta, 'content_block_stop', 'content_block_start', delta, 'content_block_stop'],
    ...['message_delta', 'message_stop'],
  ]);
  const facts = emptyFacts();
  for (const { data } of told) if (data !== null) readEvent('messages', data, facts);
  expect(facts).toMatchObject({
    ...{ id: 'c1', model: 'm-1', text: 'I look.', finishReason: 'tool_use', isComplete: true },
    ...{ inputTokens: 20, cachedInputTokens: 4, outputTokens: 12 },
    toolCalls: [
      { name: 'weather', arguments: '{"city":"Oslo"}' },
      { name: 'weather', arguments: '{}' },
    ],
  });
});

test('a stream becomes the events of responses, numbered and with all that was said at its end', async () => {
  const told = await streamed('responses', toolStream);
  const data = told.flatMap((event) => (event.data === null ? [] : [JSON.parse(event.data)]));
  expect(data.map(({ sequence_number: number }) => number)).toEqual(data.map((_, index) => index));
  expect(typesOf(told).filter((type) => type?.includes('output_item'))).toEqual(
    [1, 2, 3].flatMap(() => ['response.output_item.added', 'response.output_item.done']),
  );
  const last = data.at(-1)!;
  expect(last).toMatchObject({ type: 'response.completed', response: { status: 'completed' } });
  expect(last.response.output).toMatchObject([
    { type: 'message', content: [{ type: 'output_text', text: 'I look.' }] },
    { type: 'function_call', call_id: 't1', arguments: '{"city":"Oslo"}' },
    { type: 'function_call', call_id: 't2', arguments: '{}' },
  ]);
});

test.each(['messages', 'responses'] as const)(
  '%s: a stream that breaks off has no end, and an error is one',
  async (api) => {
    const readAll = async (chunks: readonly StreamEvent[]) => {
      const facts = emptyFacts();
      const roles = (await streamed(api, chunks)).map(({ data }) => readEvent(api, data!, facts));
      return { facts, failures: roles.flatMap(({ failure }) => failure ?? []) };
    };
    const begun = await readAll([chunk({ content: 'Once' })]);
    expect(begun).toMatchObject({ facts: { finishReason: null, isComplete: false }, failures: [] });
    const overloaded = { event: null, data: '{"error":{"type":"overloaded"}}' };
    expect(await readAll([chunk({ content: 'Once' }), overloaded])).toMatchObject({
      ...{ facts: { isComplete: false }, failures: ['the error overloaded in its stream'] },
    });
    const mixed = [0, 1, 0].map((index) => chunk({ tool_calls: [{ index, function: { arguments: '{' } }] }));
    const begins = [0, 1].map((index) => chunk({ tool_calls: [{ index, id: `t${index}`, function: { name: 'f' } }] }));
    await expect(streamed(api, [...begins, ...mixed])).rejects.toThrow('at the same time');
  },
);

test.each([
  ['messages', { type: 'error', error: { type: 'invalid_request_error', message: 'too long' } }],
  ['responses', { error: { message: 'too long', type: 'invalid_request_error', param: null, code: null } }],
] as const)('%s: what a provider finds wrong with a request is told in the form of the API', async (api, form) => {
  const refused = wholeThroughChat(callOf(api, {}), async () => {
    throw errorOfStatus(400, JSON.stringify({ error: { message: 'too long', type: 'x' } }), undefined, 'p');
  });
  const error = await refused.catch((thrown: { details: { body: string } }) => thrown);
  expect(JSON.parse((error as { details: { body: string } }).details.body)).toEqual(form);
});

test.each([
  ['messages', { thinking: { type: 'enabled', budget_tokens: 2_000 } }, 'thinking', false],
  ['messages', { top_k: 5 }, 'top_k', false],
  ['messages', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, 'context_management', true],
  ['responses', { context_management: [{ type: 'compaction' }] }, 'context_management', true],
  ['messages', { mcp_servers: [{}] }, 'mcp_servers', true],
  ['messages', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type', true],
  ['messages', { messages: [{ content: [{ type: 'search_result' }] }] }, 'messages[0].content[0]', true],
  ['messages', { stop_sequences: ['a', 'b', 'c', 'd', 'e'] }, 'stop_sequences', true],
  ['responses', { previous_response_id: 'r' }, 'previous_response_id', true],
  ['responses', { background: true }, 'background', true],
  ['responses', { tools: [{ type: 'file_search' }] }, 'tools[0].type', true],
  ['responses', { input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type', true],
  ['responses', { input: [{ content: [{ type: 'input_file', file_id: 'f' }] }] }, 'input[0].content[0]', true],
] as const)('%s: %j is not left out unsaid', (api, body, field, isForGemini) => {
  expect(chatCannot(api, body, provider('openai'))).toMatchObject({ field });
  expect(chatCannot(api, body, provider('gemini'))).toEqual(isForGemini ? expect.objectContaining({ field }) : null);
});

test('context that the model is to manage is asked for elsewhere or left out, and all that is adapted is named', () => {
  const clears = (type: string) => ({ context_management: { edits: [{ type }] }, output_config: { effort: 'low' } });
  expect(chatCannot('messages', clears('clear_tool_uses_20250919'), provider('openai'))).toMatchObject({
    ...{ field: 'output_config.effort, context_management', isHint: true },
  });
  // Thoughts of earlier turns are not sent to anybody else.
  expect(chatCannot('messages', clears('clear_thinking_20251015'), provider('gemini'))).toBeNull();
});

const words = [
  ...['id', 'model', 'choices', 'message', 'delta', 'content', 'tool_calls', 'function', 'arguments', 'name', 'index'],
  ...['type', 'text', 'source', 'input', 'output', 'messages', 'role', 'tools', 'usage', 'refusal', 'finish_reason'],
  ...['tool_choice', 'system', 'call_id', 'reasoning', 'metadata', 'stop_sequences', 'thinking', '__proto__'],
];
const values = [
  'text',
  'tool_use',
  'tool_result',
  'image',
  'user',
  'assistant',
  'tool',
  'stop',
  'function_call',
  '[DONE]',
];
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<unknown>(...values, true, null, 1e300, -1),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 6 }),
  ),
}));

test('bodies and answers of any shape are put into the other words without an exception but those of a failed call', async () => {
  const api = fc.constantFrom<Api>('messages', 'responses');
  const body = fc.dictionary(fc.constantFrom(...words), value, { maxKeys: 6 });
  await fc.assert(
    fc.asyncProperty(api, body, fc.array(value, { maxLength: 4 }), async (one, asked, said) => {
      chatCannot(one, asked, provider('openai'));
      await whole(one, asked, completion(asked)).catch((error: Error) => expect(error.name).toBe('UpstreamError'));
      const chunks = said.map((data): StreamEvent => ({ event: null, data: JSON.stringify(data) ?? 'null' }));
      await streamed(one, chunks).catch((error: Error) => expect(error.name).toBe('UpstreamError'));
    }),
    { numRuns: 500 },
  );
});

test.each(['messages', 'responses'] as const)('%s: a stream that is too long to be held is broken off', async (api) => {
  const chunks = [chunk({ content: 'x'.repeat(60) }), chunk({ refusal: 'y'.repeat(41) }), chunk({}, 'stop'), done];
  await expect(streamed(api, chunks, 100)).rejects.toThrow(/an answer of more than 100 characters/);
  expect((await streamed(api, chunks, 101)).length).toBeGreaterThan(0);
});

test('what refers to items that nobody keeps is refused with what to do, also where others are kept', () => {
  const refers = (id: string) => ({
    input: [
      { role: 'user', content: 'hi' },
      { type: 'item_reference', id },
    ],
  });
  expect(chatCannot('responses', refers('msg_of_openai'), provider('openai'))).toMatchObject({
    ...{ field: 'input[1].type', reason: expect.stringMatching(/store: false/) },
  });
  for (const piece of [
    { content: 'Well.' },
    { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] },
  ]) {
    const item = responseWriter
      .stream({}, 'resp_qr_1')
      .part({ ...createChunkReader()({ id: 'c', choices: [{ delta: piece }] }) })!
      .map(({ data }) => JSON.parse(data!))
      .find(({ type }) => type === 'response.output_item.added').item;
    expect(refersToNothing(refers(item.id))).toMatchObject({
      ...{ field: 'input[1].id', reason: expect.stringMatching(/store: false/) },
    });
  }
  expect(refersToNothing(refers('msg_of_openai'))).toBeNull();
});

describe('tool calls of providers that write them as few others do', () => {
  const call = (index: number, args: string, more: object = {}) =>
    chunk({ tool_calls: [{ index, ...more, function: { arguments: args, name: 'f' } }] });
  test('with the name in every piece, and all in the same place: each is one call', async () => {
    const pieces = [call(0, '{"a"', { id: 'x' }), call(0, ':1}', { id: 'x' }), call(0, '{"a":2}', { id: 'y' })];
    const told = await streamed('messages', [...pieces, chunk({}, 'tool_calls'), done]);
    const blocks = told.flatMap(({ event, data }) =>
      event === 'content_block_start' ? [JSON.parse(data!).content_block.id] : [],
    );
    const args = told.flatMap(({ data }) => JSON.parse(data!).delta?.partial_json ?? []);
    expect([blocks, args]).toEqual([
      ['x', 'y'],
      ['{"a"', ':1}', '{"a":2}'],
    ]);
  });

  test('without ids: each gets one of its own, so that results find their call', async () => {
    const calls = [1, 2].map((a) => ({ type: 'function', function: { name: 'f', arguments: `{"a":${a}}` } }));
    const answer = completion({ content: null, tool_calls: calls }, 'tool_calls');
    const { told: message } = await whole('messages', { messages: [] }, answer);
    expect(message.content.map(({ id }: { id: string }) => id)).toEqual(['call_c1_0', 'call_c1_1']);
    const { told: response } = await whole('responses', { input: 'hi' }, answer);
    expect(response.output.map(({ call_id: id }: { call_id: string }) => id)).toEqual(['call_c1_0', 'call_c1_1']);
    const events = await streamed('messages', [call(0, '{}'), call(1, '{}'), chunk({}, 'tool_calls'), done]);
    const ids = events.flatMap(({ data }) => JSON.parse(data!).content_block?.id ?? []);
    expect(ids).toEqual(['call_c1_0', 'call_c1_1']);
  });
});
