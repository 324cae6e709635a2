/** Answers in the right form that say what no model would: nobody else notices, and nothing untrue is learned of them. */
import { startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

let upstream: Awaited<ReturnType<typeof startMisbehaving>>;
let doors: Awaited<ReturnType<typeof startDoors>>;
const environment = { SEAL: Buffer.alloc(32, 1).toString('base64') };
const names = ['nested', 'nested-anthropic', 'counts-all', 'counts-nothing', 'second'];

beforeAll(async () => {
  upstream = await startMisbehaving();
  const openai = { kind: 'openai' as const, baseUrl: upstream.url, apis: ['chat'] as const };
  doors = await startDoors(
    orderedConfig(
      names.map((name) => ({
        ...{ name, provider: name.includes('anthropic') || name === 'counts-all' ? 'words' : 'chat' },
        expectedQuality: name === 'second' ? 0.2 : 0.9,
      })),
      { chat: openai, words: { kind: 'anthropic', baseUrl: upstream.url } },
      { answers: { share: 1, retentionMs: 3_600_000, keys: [{ id: 'one', keyEnv: 'SEAL' }] } },
    ),
    environment,
  );
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

/** Deeper than there is stack for whoever writes it anew. */
const nested = '['.repeat(100_000) + ']'.repeat(100_000);
const message = (more: object = {}) => ({
  ...{ id: 'up', type: 'message', role: 'assistant', model: 'm', stop_reason: 'tool_use', stop_sequence: null },
  ...{ content: [{ type: 'tool_use', id: 't', name: 'f', input: 'NESTED' }], ...more },
});
const answers = (text: string) => (response: import('node:http').ServerResponse) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);

async function ask(model: string, more: object = {}) {
  const messages = [{ role: 'user', content: 'hello' }];
  const response = await doors.post('/v1/messages', { model, max_tokens: 9, messages, ...more });
  return { status: response.status, text: await response.text(), id: response.headers.get('x-quantum-decision-id')! };
}

test('what cannot be put into the words of the API is a failure of this model, and the next one is asked', async () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: nested } };
  const choice = { index: 0, message: { role: 'assistant', content: null, tool_calls: [call] }, finish_reason: 'stop' };
  upstream.behave('nested', answers(JSON.stringify({ id: 'up', choices: [choice] })));
  const limits = { allowedModels: ['nested', 'second'] };
  const { status, text, id } = await ask('auto', { quantum_router: { limits } });
  expect([status, text]).toEqual([200, expect.stringContaining('fine')]);
  expect(await doors.outcomes(id, 2)).toMatchObject([
    { model: 'nested', status: 'FAILURE' },
    { model: 'second', status: 'SUCCESS' },
  ]);
  expect(doors.logged.join('\n')).toMatch(
    /"model":"nested".*RangeError.*"msg":"what came of a call could not be read"/,
  );
});

test('what cannot be kept does not take the answer from its caller, nor its outcome from the engine', async () => {
  upstream.behave('nested-anthropic', answers(JSON.stringify(message()).replace('"NESTED"', nested)));
  const { status, text, id } = await ask('nested-anthropic');
  expect([status, text]).toEqual([200, expect.stringContaining(nested)]);
  expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', finishReason: 'tool_use' }]);
});

test('counts whose sum is none are not known, and the outcome is reported all the same', async () => {
  const most = 2_147_483_647;
  const usage = { input_tokens: most, cache_read_input_tokens: most, output_tokens: 3 };
  upstream.behave('counts-all', answers(JSON.stringify(message({ usage }))));
  const { status, id } = await ask('counts-all');
  expect(status).toBe(200);
  expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', inputTokens: null, outputTokens: 3 }]);
});

test.each([undefined, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }])(
  'a provider that counts nothing (%j) is not one that costs nothing',
  async (usage) => {
    const choice = { index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' };
    upstream.behave('counts-nothing', answers(JSON.stringify({ id: 'up', choices: [choice], usage })));
    const { text, id } = await ask('counts-nothing');
    expect(JSON.parse(text).quantum_router.costUsd).toBeNull();
    expect(await doors.outcomes(id, 1)).toMatchObject([{ inputTokens: null, outputTokens: null, costUsd: null }]);
  },
);
