/** What applications send that were written for a provider, and not for this gateway. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import type { Topic } from '../../../../lib/topics/define-topic';
import { topics } from '../../../../lib/topics/topics';
import { withoutAzure } from '../../../../services/gateway/doors/azure-paths';
import { type Behaviour, fails, good, json, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

type Upstream = Awaited<ReturnType<typeof startMisbehaving>>;
type Doors = Awaited<ReturnType<typeof startDoors>>;
let upstream: Upstream;
let doors: Doors;
let openai: OpenAI;

beforeAll(async () => {
  upstream = await startMisbehaving();
  doors = await startDoors(
    orderedConfig(
      [
        { name: 'first', provider: 'one' },
        { name: 'second', provider: 'two' },
      ],
      { one: { kind: 'openai', baseUrl: upstream.url }, two: { kind: 'openai', baseUrl: upstream.url } },
    ),
  );
  openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.behave('first', good());
  upstream.behave('second', good());
});
const messages = [{ role: 'user' as const, content: 'Say something.' }];

/** The record of a request in a topic of the request path. */
async function inLog<T extends { readonly requestId: string }>(topic: Topic<T>, requestId: string): Promise<T> {
  for (const partition of [0, 1]) {
    const of = { topic: topic.name, partition };
    const { earliest: from, end: to } = await doors.home.broker.offsets(of);
    for await (const records of doors.home.broker.read(of, { from, to }))
      for (const { value } of records) {
        const record = topic.codec.decode(value!);
        if (record.requestId === requestId) return record;
      }
  }
  throw new Error(`${requestId} is not in ${topic.name}`);
}

describe('the client library for Azure', () => {
  test('finds the doors, with the deployment as the model and the key in its own header', async () => {
    const azure = new AzureOpenAI({
      ...{ endpoint: doors.url, apiKey: 'none', apiVersion: '2024-10-21', deployment: 'second', maxRetries: 0 },
    });
    const whole = await azure.chat.completions.create({ model: 'second', messages }).withResponse();
    expect([whole.data.choices[0]!.message.content, whole.response.headers.get('x-quantum-model')]).toEqual([
      'fine',
      'second',
    ]);
    const stream = await azure.chat.completions.create({ model: 'auto', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('fine');
    // What is written by hand names the model in the path alone.
    const bare = await doors.post('/openai/deployments/second/chat/completions?api-version=2024-10-21', { messages });
    expect([bare.status, bare.headers.get('x-quantum-model')]).toEqual([200, 'second']);
    const wrong = await doors.post('/openai/deployments/sekond/chat/completions?api-version=1', { messages });
    expect([wrong.status, await wrong.json()]).toMatchObject([404, { error: { param: 'model' } }]);
  });

  test.each([
    ['/openai/deployments/a%2Fb/chat/completions?api-version=1', '/v1/chat/completions?api-version=1'],
    ['/openai/deployments/%zz/embeddings', '/v1/embeddings'],
    ['/openai/v1/responses', '/v1/responses'],
    ['/openai/responses?api-version=preview', '/v1/responses?api-version=preview'],
    ['/openai/models/gpt', '/v1/models/gpt'],
    ['/openai/v1/keys', '/openai/v1/keys'],
    ['/openai/modelsx', '/openai/modelsx'],
    ['/openai/deployments//chat/completions', '/openai/deployments//chat/completions'],
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['*', '*'],
  ])('%s leads to %s', (url, to) => {
    expect(withoutAzure({ url })).toBe(to);
  });
});

describe('a model that cannot serve what others can', () => {
  const errors = [
    ...[
      ["Unsupported parameter: 'max_tokens' is not supported with this model.", 'unsupported_parameter'],
      ["Unsupported value: 'temperature' does not support 0.2 with this model.", 'unsupported_value'],
      ["This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.", null],
    ].map(([message, code]) => ({ error: { message, type: 'invalid_request_error', param: null, code } })),
    { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000' } },
    [
      {
        error: { code: 400, message: 'The input token count (9000) exceeds the maximum number of tokens allowed (8)' },
      },
    ],
  ];
  test.each(errors)('the next one is called: %j', async (error) => {
    upstream.behave('first', fails(400, {}, error));
    const before = upstream.callsOf('first').length;
    const { data, response } = await openai.chat.completions.create({ model: 'auto', messages }).withResponse();
    expect([response.headers.get('x-quantum-model'), response.headers.get('x-quantum-attempt')]).toEqual([
      'second',
      '2',
    ]);
    expect(await doors.outcomes(data.id, 2)).toMatchObject([
      { model: 'first', status: 'CANCELLED' },
      { model: 'second', status: 'SUCCESS' },
    ]);
    // It would say the same again.
    expect(upstream.callsOf('first').length).toBe(before + 1);
  });

  test('where nobody can, and where the request itself is wrong, the provider is heard in its own words, once', async () => {
    const ofModel = { error: { message: 'max_tokens is too large: 9', code: null } };
    upstream.behave('first', fails(400, {}, ofModel));
    upstream.behave('second', fails(400, {}, ofModel));
    for (const model of ['auto', 'first']) {
      const before = upstream.received.length;
      const refused = await openai.chat.completions.create({ model, messages }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 400, message: expect.stringMatching(/too large: 9/) });
      expect(upstream.received.length).toBe(before + (model === 'auto' ? 2 : 1));
    }
    upstream.behave('first', fails(400, {}, { error: { message: 'messages.0: role is odd', code: null } }));
    const before = upstream.received.length;
    const wrong = await openai.chat.completions.create({ model: 'auto', messages }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ status: 400, message: expect.stringMatching(/is odd/) });
    expect(upstream.received.length).toBe(before + 1);
  });
});

test('who has only called tools may leave the content out; a conversation that says nothing at all is refused', async () => {
  const tool_calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const asked = (content: object) => ({
    model: 'first',
    messages: [
      ...messages,
      { role: 'assistant', tool_calls, ...content },
      { role: 'tool', tool_call_id: 'c', content: '1' },
    ],
  });
  for (const content of [{}, { content: null }, { content: '' }])
    expect((await doors.post('/v1/chat/completions', asked(content))).status).toBe(200);
  expect(upstream.received.at(-3)!.body.messages[1]).not.toHaveProperty('content');
  const refused = await doors.post('/v1/chat/completions', { model: 'first', messages: [{ role: 'user' }] });
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'messages' } }]);
});

test('what tools have answered tells how an agent is getting on, wherever the API has its place', async () => {
  const again = (one: (id: string) => object[]): object[] => ['a', 'b', 'c'].flatMap(one);
  const error = 'Error: the disk is full';
  const asked: [path: string, body: object][] = [
    [
      '/v1/chat/completions',
      {
        messages: [
          ...messages,
          ...again((id) => [
            { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] },
            { role: 'tool', tool_call_id: id, content: error },
          ]),
        ],
      },
    ],
    [
      '/v1/messages',
      {
        max_tokens: 9,
        messages: [
          ...messages,
          ...again((id) => [
            { role: 'assistant', content: [{ type: 'tool_use', id, name: 'f', input: {} }] },
            // In no words that are known for a failure: the mark alone says it.
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, is_error: true, content: 'Tilt.' }] },
          ]),
        ],
      },
    ],
    [
      '/v1/responses',
      {
        input: [
          ...messages,
          ...again((id) => [
            { type: 'function_call', call_id: id, name: 'f', arguments: '{}' },
            { type: 'function_call_output', call_id: id, output: error },
          ]),
        ],
      },
    ],
  ];
  const trouble = [];
  for (const [path, body] of asked) {
    const response = await doors.post(path, { model: 'auto', ...body });
    const opened = await inLog(topics.routeOpened, response.headers.get('x-quantum-decision-id')!);
    trouble.push([opened.complexity?.trajectory, opened.holds?.toolResults]);
  }
  // Three failures that are the same, and so the same answer three times in a row.
  expect(trouble).toEqual([trouble[0], trouble[0], trouble[0]]);
  expect(trouble[0]![0]).toBeGreaterThan(0.7);
});

test('client libraries show the id of the decision as that of the request', async () => {
  const chat = await openai.chat.completions.create({ model: 'auto', messages });
  expect(chat._request_id).toBe(chat.id);
  const anthropic = new Anthropic({ baseURL: doors.url, apiKey: 'none', maxRetries: 0 });
  const message = await anthropic.messages.create({ model: 'auto', max_tokens: 9, messages });
  expect(message._request_id).toBe(message.id);
  upstream.behave('first', fails(400));
  const refused = await openai.chat.completions.create({ model: 'first', messages }).catch((error) => error);
  expect(refused.requestID).toMatch(/^chatcmpl-/);
});

test('the user of the application is who it is decided for, unless a header says another', async () => {
  const request = async (headers: Record<string, string>, user: unknown) => {
    const response = await doors.post('/v1/chat/completions', { model: 'auto', messages, user }, headers);
    return (await inLog(topics.routeRequested, response.headers.get('x-quantum-decision-id')!)).userId;
  };
  expect(await request({}, 'ann')).toBe('ann');
  expect(await request({ 'x-quantum-user': 'bob' }, 'ann')).toBe('bob');
  // What is no name here may be one to a provider.
  for (const odd of ['', 'a\nb', 'x'.repeat(500), 7, null]) expect(await request({}, odd)).toBeNull();
});

test('only the API for responses has answers that come later: the same word of another is an end like any', async () => {
  const message = { role: 'assistant', content: 'fine' };
  upstream.behave('first', good({ choices: [{ index: 0, message, finish_reason: 'in_progress' }] }));
  const { response } = await openai.chat.completions.create({ model: 'first', messages }).withResponse();
  const [outcome] = await doors.outcomes(response.headers.get('x-quantum-decision-id')!, 1);
  expect(outcome).toMatchObject({ status: 'SUCCESS', finishReason: 'in_progress', latencyMs: expect.any(Number) });
  expect(upstream.received.at(-1)!.path).toBe('/v1/chat/completions');
});

describe('responses', () => {
  let ids = 0;
  const responds: Behaviour = (response, { body }) => {
    const output = [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'fine' }] }];
    const usage = { input_tokens: 3, output_tokens: 1 };
    response.writeHead(200, json).end(
      JSON.stringify({
        id: `resp_${++ids}`,
        object: 'response',
        status: 'completed',
        model: body.model,
        output,
        usage,
      }),
    );
  };

  test('auto goes on with the model that gave the response before, whichever is best now', async () => {
    upstream.behave('first', responds);
    upstream.behave('second', responds);
    const before = await openai.responses.create({ model: 'second', input: 'hello' });
    const asked = { model: 'auto', input: 'and now?', previous_response_id: before.id };
    const { data, response } = await openai.responses.create(asked).withResponse();
    expect([data.output_text, response.headers.get('x-quantum-model')]).toEqual(['fine', 'second']);
    expect(upstream.received.at(-1)!.body).toMatchObject({ model: 'second', previous_response_id: before.id });
    for (const unknown of [{ previous_response_id: 'resp_of_yesterday' }, { conversation: 'conv_1' }]) {
      const refused = await openai.responses
        .create({ ...asked, previous_response_id: null, ...unknown })
        .catch((e) => e);
      expect(refused).toMatchObject({ status: 400, param: 'model' });
    }
  });

  test('what a provider keeps may stand for the input; without anything it is missed', async () => {
    upstream.behave('first', responds);
    const { output_text: text } = await openai.responses.create({ model: 'auto', prompt: { id: 'pmpt_1' } });
    expect(text).toBe('fine');
    const refused = await openai.responses.create({ model: 'auto' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 400, param: 'input' });
  });
});

describe('pictures and documents in the body', () => {
  const withPicture = (bytes: number) => ({
    model: 'auto',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(bytes)}` } },
        ],
      },
    ],
  });

  test('go to the model as they are, in ASCII and beside other scripts', async () => {
    const body = withPicture(4_000_000);
    expect((await doors.post('/v1/chat/completions', body)).status).toBe(200);
    expect((await doors.post('/v1/chat/completions', { ...body, user: 'Zoë' })).status).toBe(200);
    const received = upstream.received.slice(-2).map((one) => one.body as typeof body & { user?: string });
    expect(received.map(({ messages: turns }) => turns)).toEqual([body.messages, body.messages]);
    expect(received.map(({ user }) => user)).toEqual([undefined, 'Zoë']);
  });

  test('are refused where they are larger than a call may be', async () => {
    const answer = await doors.post('/v1/chat/completions', withPicture(5_000_000));
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { error: expect.objectContaining({ message: expect.stringMatching(/4194304 bytes.*max-call-bytes/) }) },
    ]);
  });
});
