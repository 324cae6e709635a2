/**
 * Conversations that refer to what was said before by its name, as client libraries do of the Responses API unless they are told not to:
 * before every kind of provider, and from one to another.
 */
import { createOpenAI } from '@ai-sdk/openai';
import { LLMock } from '@copilotkit/aimock';
import { generateText, type ModelMessage, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { atEnd } from '../../../started';
import { orderedConfig, startDoors } from './start-doors';
import { startKeeper } from './start-keeper';

const kinds = {
  chat: { kind: 'openai', path: '/v1', model: 'gpt-4.1', apis: ['chat'] },
  responses: { kind: 'openai', path: '/v1', model: 'gpt-4.1' },
  anthropic: { kind: 'anthropic', path: '/v1', model: 'claude-sonnet-4-5' },
  gemini: { kind: 'gemini', path: '/v1beta', model: 'gemini-2.5-flash' },
} as const;

async function start() {
  const mock = new LLMock({ port: 0 });
  mock.on({ toolResultContains: 'rain' }, { content: 'It rains in Oslo.' });
  mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] });
  mock.onMessage(/long/, { content: 'x'.repeat(100_000) });
  mock.onMessage(/./, { content: 'Hello from the mock.' });
  await mock.start();
  atEnd(() => mock.stop());
  const doors = await startDoors(
    orderedConfig(
      Object.entries(kinds).map(([provider, { model }]) => ({
        name: `${provider}-model`,
        provider,
        upstreamModel: model,
      })),
      Object.fromEntries(
        Object.entries(kinds).map(([provider, { path, model: _model, ...given }]) => [
          provider,
          { ...given, baseUrl: `${mock.url}${path}` },
        ]),
      ),
    ),
  );
  return { mock, doors, openai: new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 }) };
}

let at: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  at = await start();
});

const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'rain' });

test.each(Object.keys(kinds))('the AI SDK calls tools and goes on, as it is, before %s', async (kind) => {
  const model = createOpenAI({ baseURL: `${at.doors.url}/v1`, apiKey: 'none' })(`${kind}-model`);
  const most = { model, tools: { weather }, stopWhen: stepCountIs(3), maxRetries: 0 };
  for (const isStream of [false, true]) {
    const messages: ModelMessage[] = [{ role: 'user', content: 'What is the weather?' }];
    const first = isStream ? streamText({ ...most, messages }) : await generateText({ ...most, messages });
    expect([await first.text, (await first.steps).length]).toEqual(['It rains in Oslo.', 2]);
    messages.push(...(await first.response).messages, { role: 'user', content: 'Thank you.' });
    const second = isStream ? streamText({ ...most, messages }) : await generateText({ ...most, messages });
    expect(await second.text).toBe('Hello from the mock.');
    const asked = JSON.stringify(at.mock.getLastRequest()!.body);
    // Whoever keeps items is sent their names alone.
    const whole = ['What is the weather?', 'Oslo', 'rain', 'It rains in Oslo.', 'Thank you.'];
    for (const said of kind === 'responses' ? [] : whole) expect(asked).toContain(said);
  }
});

test.each(['chat', 'anthropic', 'gemini'])(
  'OpenAI: a response of %s is gone on from by its id, by any model',
  async (kind) => {
    const { responses } = at.openai;
    const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'weather', parameters: {}, strict: null }];
    const made = await responses.create({ model: `${kind}-model`, input: 'What is the weather?', tools });
    const call = made.output.find((item) => item.type === 'function_call')!;
    const input = [{ type: 'function_call_output' as const, call_id: call.call_id, output: 'rain' }];
    const next = await responses.create({ model: `${kind}-model`, previous_response_id: made.id, input, tools });
    expect(next.output_text).toBe('It rains in Oslo.');
    // Behind a restart, by another model, and in the words of whoever answers the API itself.
    await at.doors.restart();
    const openai = new OpenAI({ baseURL: `${at.doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
    for (const model of ['auto', 'responses-model']) {
      const last = await openai.responses.create({ model, previous_response_id: next.id, input: 'Thank you.', tools });
      expect(last.output_text).toBe('Hello from the mock.');
      const asked = JSON.stringify(at.mock.getLastRequest()!.body);
      for (const said of ['What is the weather?', 'Oslo', 'rain', 'It rains in Oslo.', 'Thank you.'])
        expect(asked).toContain(said);
      expect(asked).not.toMatch(/resp_qr_/);
    }
    at = { ...at, openai };
  },
);

test('what is not kept is not gone on from: not wanted, of others, never said, or named too often', async () => {
  const { responses } = at.openai;
  const refused = (body: object, headers: Record<string, string> = {}) =>
    at.doors
      .post('/v1/responses', { model: 'chat-model', input: 'hi', ...body }, headers)
      .then((answer) => answer.json());
  const unkept = await responses.create({ model: 'chat-model', input: 'hi', store: false });
  for (const id of [unkept.id, 'resp_qr_never'])
    expect(await refused({ previous_response_id: id })).toMatchObject({
      error: { param: 'previous_response_id', message: expect.stringMatching(/not kept here any more/) },
    });
  const [item] = unkept.output;
  expect(await refused({ input: [{ type: 'item_reference', id: item!.id }] })).toMatchObject({
    error: { param: expect.stringMatching(/^input\[0\]/), message: expect.stringMatching(/store: false/) },
  });
  const long = (await responses.create({ model: 'chat-model', input: 'A long one.' })).output[0]!.id!;
  const often = Array.from({ length: 100 }, () => ({ type: 'item_reference', id: long }));
  expect(await refused({ input: often })).toMatchObject({
    error: { param: 'input', message: expect.stringMatching(/too long/) },
  });
});

test('what a provider keeps is referred to there, and written out for others', async () => {
  const [one, two] = [await startKeeper('resp_one_'), await startKeeper('resp_two_')];
  const doors = await startDoors(
    orderedConfig(
      [
        { name: 'first', provider: 'one' },
        { name: 'second', provider: 'two' },
      ],
      { one: { kind: 'openai', baseUrl: one.url }, two: { kind: 'openai', baseUrl: two.url } },
    ),
  );
  const { responses } = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const made = await responses.create({ model: 'first', input: 'hello' });
  const reference = { type: 'item_reference' as const, id: made.output[0]!.id! };
  const input = [{ role: 'user' as const, content: 'hello' }, reference, { role: 'user' as const, content: 'and?' }];
  await responses.create({ model: 'first', input });
  expect(one.bodies.at(-1)).toMatchObject({ input });
  await responses.create({ model: 'second', input });
  expect(two.bodies.at(-1)).toMatchObject({
    input: [input[0], { role: 'assistant', content: [{ type: 'output_text', text: 'fine' }] }, input[2]],
  });
  await doors.stop();
});
