/** The client libraries that people use, as they are, against the demonstration upstream and one that others wrote. */
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embed, generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { atEnd } from '../../../started';
import { orderedConfig, priced, startDoors } from './start-doors';

const demoConfig = orderedConfig(
  [
    { name: 'demo-large', provider: 'demo' },
    { name: 'demo-small', provider: 'demo' },
  ],
  { demo: { kind: 'demo' } },
);
type Doors = Awaited<ReturnType<typeof startDoors>>;

describe('against the demonstration upstream', () => {
  let doors: Doors;
  let openai: OpenAI;
  let anthropic: Anthropic;
  beforeAll(async () => {
    doors = await startDoors(demoConfig);
    openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: doors.url, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(() => doors.stop());
  const messages = [{ role: 'user' as const, content: 'Write a haiku about logs.' }];

  test('OpenAI: a completion is routed, answered, paid for and reported', async () => {
    const { data, response } = await openai.chat.completions.create({ model: 'auto', messages }).withResponse();
    expect(data.choices[0]!.message.content).toMatch(/no language model/);
    expect(data.id).toBe(response.headers.get('x-quantum-decision-id'));
    expect(response.headers.get('x-quantum-model')).toBe('demo-large');
    expect(response.headers.get('x-quantum-attempt')).toBe('1');
    const { prompt_tokens: input, completion_tokens: output } = data.usage!;
    const costUsd = (input * priced.inputPerMillionUsd + output * priced.outputPerMillionUsd) / 1e6;
    expect(Number(response.headers.get('x-quantum-cost-usd'))).toBeCloseTo(costUsd, 12);
    expect(data).toMatchObject({ quantum_router: { model: 'demo-large', provider: 'demo', degraded: null } });
    const [outcome] = await doors.outcomes(data.id, 1);
    expect(outcome).toMatchObject({
      model: 'demo-large',
      attempt: 1,
      status: 'SUCCESS',
      source: 'call',
      quality: null,
    });
    expect(outcome).toMatchObject({ inputTokens: input, outputTokens: output, rewardParts: {} });
    expect(outcome!.costUsd).toBeCloseTo(costUsd, 12);
    expect(outcome!.latencyMs).toBeGreaterThan(0);
  });

  test('OpenAI: a stream comes in pieces, with usage only where it was asked for', async () => {
    for (const wantsUsage of [false, true]) {
      const stream = await openai.chat.completions.create({
        model: 'auto/cheap',
        messages,
        stream: true,
        ...(wantsUsage && { stream_options: { include_usage: true } }),
      });
      let text = '';
      let id = '';
      const usages: number[] = [];
      for await (const chunk of stream) {
        id = chunk.id;
        text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage) usages.push(chunk.usage.completion_tokens);
      }
      expect(text).toMatch(/demonstration answer .* no language model/);
      expect(usages).toHaveLength(wantsUsage ? 1 : 0);
      const [outcome] = await doors.outcomes(id, 1);
      expect(outcome!.outputTokens).toBeGreaterThan(0);
      expect(outcome!.costUsd).toBeGreaterThan(0);
    }
  });

  test('OpenAI: responses, whole and as a stream; embeddings; the list of models', async () => {
    const whole = await openai.responses.create({ model: 'auto', input: 'hello' });
    expect(whole.output_text).toMatch(/no language model/);
    let text = '';
    for await (const event of await openai.responses.create({ model: 'auto', input: 'hello', stream: true }))
      if (event.type === 'response.output_text.delta') text += event.delta;
    expect(text).toBe(whole.output_text);
    const vectors = await openai.embeddings.create({ model: 'demo-small', input: ['a', 'b'] });
    expect(vectors.data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    const listed = await openai.models.list();
    expect(listed.data.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['auto', 'auto/cheap', 'auto/best', 'demo-large', 'demo-small']),
    );
    expect(await openai.models.retrieve('auto/cheap')).toMatchObject({ id: 'auto/cheap', object: 'model' });
  });

  test('OpenAI: errors are those of its own, and name the field', async () => {
    const refused = await openai.chat.completions.create({ model: 'auto/cheep', messages }).catch((error) => error);
    expect(refused).toBeInstanceOf(OpenAI.NotFoundError);
    expect(refused).toMatchObject({ status: 404, param: 'model', message: expect.stringMatching(/auto\/cheap/) });
    const malformed = await openai.chat.completions
      .create({ model: 'auto', messages, n: 0 })
      .catch((error: unknown) => error);
    expect(malformed).toBeInstanceOf(OpenAI.BadRequestError);
    expect(malformed).toMatchObject({ param: 'n', code: 'invalid_field' });
  });

  test('Anthropic: a message, whole and as a stream; errors are those of its own', async () => {
    const message = await anthropic.messages.create({ model: 'auto', max_tokens: 100, messages });
    expect(message.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/no language model/) });
    const [outcome] = await doors.outcomes(message.id, 1);
    expect(outcome).toMatchObject({ status: 'SUCCESS', outputTokens: message.usage.output_tokens });
    const stream = anthropic.messages.stream({ model: 'auto', max_tokens: 100, messages });
    const final = await stream.finalMessage();
    expect(final.content).toEqual(message.content);
    expect((await doors.outcomes(final.id, 1))[0]).toMatchObject({ status: 'SUCCESS' });
    const listed = await anthropic.models.list();
    expect(listed.data.map(({ id }) => id)).toContain('demo-large');
    const unlisted = await anthropic.models.retrieve('nobody').catch((error: unknown) => error);
    expect(unlisted).toBeInstanceOf(Anthropic.NotFoundError);
    expect(unlisted).toMatchObject({ error: { type: 'error', error: { type: 'not_found_error' } } });
    const refused = await anthropic.messages
      .create({ model: 'nobody', max_tokens: 100, messages })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.NotFoundError);
    expect(refused).toMatchObject({ error: { type: 'error', error: { type: 'not_found_error' } } });
  });

  test('feedback by the id of a completion is booked on the model that answered', async () => {
    const { id } = await openai.chat.completions.create({ model: 'demo-small', messages });
    const answer = await doors.post('/v1/feedback', { decisionId: id, quality: 0.25, source: 'user' });
    expect(await answer.json()).toEqual({ decisionId: id, model: 'demo-small', attempt: 1 });
    const outcomes = await doors.outcomes(id, 2);
    expect(outcomes.map(({ source }) => source).sort()).toEqual(['call', 'user']);
  });
});

describe('against a mock that others wrote', () => {
  let mock: LLMock;
  let stopMock: () => Promise<void>;
  let doors: Doors;
  beforeAll(async () => {
    mock = new LLMock({ port: 0 });
    mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] });
    mock.onMessage(/list/, { content: '{"items":[1,2]}' });
    mock.onMessage(/./, { content: 'Hello from the mock.' });
    await mock.start();
    let isStopped = false;
    stopMock = async () => {
      if (!isStopped) await mock.stop();
      isStopped = true;
    };
    atEnd(stopMock);
    doors = await startDoors(
      orderedConfig(
        [
          { name: 'big', provider: 'openai', upstreamModel: 'gpt-4o' },
          { name: 'sonnet', provider: 'anthropic', upstreamModel: 'claude-sonnet-4-5' },
        ],
        {
          openai: { kind: 'openai', baseUrl: `${mock.url}/v1`, apiKeyEnv: 'OPENAI_API_KEY' },
          anthropic: { kind: 'anthropic', baseUrl: `${mock.url}/v1`, apiKeyEnv: 'ANTHROPIC_API_KEY' },
        },
      ),
      { OPENAI_API_KEY: 'sk-a-secret-word', ANTHROPIC_API_KEY: 'another-secret-word' },
    );
  });
  afterAll(async () => {
    await doors.stop();
    await stopMock();
  });

  test('OpenAI: text, streams, tool calls and structured output, the last two checked', async () => {
    const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const ask = (content: string) => ({ model: 'auto', messages: [{ role: 'user' as const, content }] });
    expect((await openai.chat.completions.create(ask('hi'))).choices[0]!.message.content).toBe('Hello from the mock.');
    let text = '';
    for await (const chunk of await openai.chat.completions.create({ ...ask('hi'), stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello from the mock.');

    const schemaOf = (type: string) => ({ type: 'object', properties: { city: { type } }, required: ['city'] });
    for (const [type, fits] of [
      ['string', 1],
      ['number', 0],
    ] as const) {
      for (const stream of [false, true]) {
        const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schemaOf(type) } }];
        const runner = openai.chat.completions.stream({ ...ask('weather?'), tools });
        const called = stream
          ? await runner.finalChatCompletion()
          : await openai.chat.completions.create({ ...ask('weather?'), tools });
        runner.abort();
        await runner.done().catch(() => {});
        expect(called.choices[0]!.message.tool_calls![0]).toMatchObject({ function: { name: 'weather' } });
        expect(await doors.outcomes(called.id, 1)).toMatchObject([
          { source: 'mechanical', rewardParts: { 'mechanical:tools': fits }, provisional: true },
        ]);
      }
    }
    const listed = await openai.chat.completions.create({
      ...ask('list'),
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'list', schema: { type: 'object', required: ['items'], properties: { items: {} } } },
      },
    });
    expect(await doors.outcomes(listed.id, 1)).toMatchObject([{ rewardParts: { 'mechanical:structured': 1 } }]);
  });

  test('Anthropic: a provider that speaks the protocol is asked in it, and others in their own', async () => {
    const anthropic = new Anthropic({ baseURL: doors.url, apiKey: 'none', maxRetries: 0 });
    const ask = { model: 'sonnet', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };
    const { data, response } = await anthropic.messages.create(ask).withResponse();
    expect(data.content).toMatchObject([{ type: 'text', text: 'Hello from the mock.' }]);
    expect(response.headers.get('x-quantum-model')).toBe('sonnet');
    const final = await anthropic.messages.stream(ask).finalMessage();
    expect(final.content).toMatchObject([{ type: 'text', text: 'Hello from the mock.' }]);
    expect(mock.getLastRequest()!.path).toBe('/v1/messages');
    const other = await anthropic.messages.create({ ...ask, model: 'big' });
    expect(other.content).toEqual(data.content);
    expect(mock.getLastRequest()!.path).toBe('/v1/chat/completions');
    // How a model comes by its answer is asked for in the words that it has, and said to have been.
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const thought = { ...ask, max_tokens: 2_048, thinking };
    const named = await anthropic.messages.create({ ...thought, model: 'big' }).withResponse();
    expect(named.response.headers.get('x-quantum-adapted')).toBe('thinking');
    expect(mock.getLastRequest()!.body).toMatchObject({ reasoning_effort: 'low' });
    expect(mock.getLastRequest()!.body).not.toHaveProperty('extra_body');
    const native = await anthropic.messages.create({ ...thought, model: 'sonnet' }).withResponse();
    expect(native.response.headers.has('x-quantum-adapted')).toBe(false);
    // What would be another question goes to those who have a word for it.
    const narrow = await anthropic.messages
      .create(Object.assign({ ...thought, model: 'auto' }, { top_k: 5 }))
      .withResponse();
    expect(narrow.response.headers.get('x-quantum-model')).toBe('sonnet');
    const refused = await anthropic.messages
      .create(Object.assign({ ...thought, model: 'big' }, { top_k: 5 }))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
    expect(refused).toMatchObject({ message: expect.stringMatching(/top_k/) });
  });

  test('how much a model is to think keeps no model from being chosen', async () => {
    const fresh = await startDoors(
      orderedConfig(
        [
          { name: 'best', provider: 'openai', upstreamModel: 'gpt-4o' },
          { name: 'sonnet', provider: 'anthropic', upstreamModel: 'claude-sonnet-4-5' },
        ],
        {
          openai: { kind: 'openai', baseUrl: `${mock.url}/v1` },
          anthropic: { kind: 'anthropic', baseUrl: `${mock.url}/v1` },
        },
      ),
    );
    const anthropic = new Anthropic({ baseURL: fresh.url, apiKey: 'none', maxRetries: 0 });
    const { response } = await anthropic.messages
      .create({
        ...{ model: 'auto', max_tokens: 2_048, messages: [{ role: 'user', content: 'hi' }] },
        thinking: { type: 'enabled', budget_tokens: 1_024 },
      })
      .withResponse();
    expect(['model', 'adapted'].map((said) => response.headers.get(`x-quantum-${said}`))).toEqual(['best', 'thinking']);
    await fresh.stop();
  });

  test('keys go into no topic, log or metric', async () => {
    const everywhere = [doors.logged.join('\n'), await doors.metrics.text()];
    for (const { name: topic, partitions } of await doors.home.broker.listTopics()) {
      for (let partition = 0; partition < partitions; partition++) {
        const { earliest: from, end: to } = await doors.home.broker.offsets({ topic, partition });
        for await (const records of doors.home.broker.read({ topic, partition }, { from, to }))
          everywhere.push(...records.map(({ value }) => value?.toString('latin1') ?? ''));
      }
    }
    expect(everywhere.join('\n')).toContain('OPENAI_API_KEY');
    expect(everywhere.join('\n')).not.toMatch(/secret-word/);
  });
});

test('the AI SDK of Vercel: text, streams, responses and embeddings', async () => {
  const doors = await startDoors(demoConfig);
  const provider = createOpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none' });
  const model = provider.chat('auto');
  const whole = await generateText({ model, prompt: 'hello', maxRetries: 0 });
  expect(whole.text).toMatch(/no language model/);
  let text = '';
  for await (const piece of streamText({ model, prompt: 'hello', maxRetries: 0 }).textStream) text += piece;
  expect(text).toBe(whole.text);
  // Its default is the Responses API.
  expect((await generateText({ model: provider('auto'), prompt: 'hello', maxRetries: 0 })).text).toBe(whole.text);
  const { embedding } = await embed({ model: provider.textEmbeddingModel('demo-small'), value: 'a', maxRetries: 0 });
  expect(embedding).toHaveLength(8);
  await doors.stop();
});

test('LangChain: text, streams, tools bound to a model, and embeddings', async () => {
  const doors = await startDoors(demoConfig);
  const configuration = { baseURL: `${doors.url}/v1` };
  const model = new ChatOpenAI({ model: 'auto', apiKey: 'none', configuration, maxRetries: 0 });
  const whole = await model.invoke('hello');
  expect(whole.content).toMatch(/no language model/);
  let text = '';
  for await (const piece of await model.stream('hello')) text += String(piece.content);
  expect(text).toBe(whole.content);
  const add = { name: 'add', description: 'adds', parameters: { type: 'object', properties: {} } };
  const bound = await model.bindTools([{ type: 'function', function: add }]).invoke('hello');
  expect(bound.content).toBe(whole.content);
  const embeddings = new OpenAIEmbeddings({ model: 'demo-small', apiKey: 'none', configuration, maxRetries: 0 });
  expect(await embeddings.embedQuery('a')).toHaveLength(8);
  await doors.stop();
});
