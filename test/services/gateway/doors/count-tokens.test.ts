/** POST /v1/messages/count_tokens: by the provider where it has such a count, else an estimate, and said which. */
import Anthropic from '@anthropic-ai/sdk';
import { estimatedTokens } from '../../../../services/gateway/doors/count-tokens';
import { type Behaviour, fails, json, says, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

type Upstream = Awaited<ReturnType<typeof startMisbehaving>>;
type Doors = Awaited<ReturnType<typeof startDoors>>;
let upstream: Upstream;
let doors: Doors;
let anthropic: Anthropic;

beforeAll(async () => {
  upstream = await startMisbehaving();
  doors = await startDoors(
    orderedConfig(
      [
        { name: 'sonnet', provider: 'anthropic', upstreamModel: 'claude-sonnet-4-5' },
        { name: 'gpt', provider: 'openai' },
      ],
      {
        anthropic: { kind: 'anthropic', baseUrl: upstream.url, apiKeyEnv: 'ANTHROPIC_API_KEY' },
        openai: { kind: 'openai', baseUrl: upstream.url },
      },
      { presets: { cheap: { limits: { deniedModels: ['sonnet'] } } } as never },
    ),
    { ANTHROPIC_API_KEY: 'sk-upstream' },
  );
  anthropic = new Anthropic({ baseURL: doors.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

const messages = [{ role: 'user' as const, content: 'How many tokens are these?' }];
const counts: Behaviour = (response) => response.writeHead(200, json).end('{"input_tokens": 4711}');
const count = (model: string, more: object = {}) =>
  anthropic.messages.countTokens({ model, messages, ...more }).withResponse();
const countedBy = ({ headers }: Response) => headers.get('x-quantum-token-count');

test('the provider counts, by its own name for the model and with its own key', async () => {
  upstream.behave('claude-sonnet-4-5', counts);
  for (const model of ['sonnet', 'auto']) {
    const { data, response } = await count(model, { system: 'Be brief.', quantum_router: {} });
    expect([data.input_tokens, countedBy(response)]).toEqual([4711, 'provider']);
    expect(response.headers.get('x-quantum-model')).toBe('sonnet');
    const { path, headers, body } = upstream.received.at(-1)!;
    expect([path, headers['x-api-key'], headers['anthropic-version']]).toEqual([
      '/v1/messages/count_tokens',
      'sk-upstream',
      expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    ]);
    expect(body).toEqual({ model: 'claude-sonnet-4-5', messages, system: 'Be brief.' });
  }
});

test('a model of another API, or a provider that does not count: an estimate, which says it is one', async () => {
  const estimate = estimatedTokens({ messages });
  const before = upstream.received.length;
  for (const model of ['gpt', 'auto/cheap']) {
    const { data, response } = await count(model);
    expect([data.input_tokens, countedBy(response)]).toEqual([estimate, 'estimate']);
  }
  expect(upstream.received.length).toBe(before);
  for (const behaviour of [fails(404), fails(529), says('<html>'), says('{"input_tokens": "many"}'), says('[')]) {
    upstream.behave('claude-sonnet-4-5', behaviour);
    const { data, response } = await count('sonnet');
    expect([data.input_tokens, countedBy(response)]).toEqual([estimate, 'estimate']);
  }
});

test('what is wrong with the request is said by whoever finds it', async () => {
  upstream.behave(
    'claude-sonnet-4-5',
    fails(400, {}, { type: 'error', error: { type: 'invalid_request_error', message: 'tools.0: is odd' } }),
  );
  const said = await count('sonnet', { tools: [{ name: 'odd' }] }).catch((error: unknown) => error);
  expect(said).toBeInstanceOf(Anthropic.BadRequestError);
  expect(said).toMatchObject({ message: expect.stringMatching(/tools\.0: is odd/) });
  const ours = await count('gpt', { messages: [] }).catch((error: unknown) => error);
  expect(ours).toMatchObject({ status: 400, error: { error: { message: expect.stringMatching(/^messages/) } } });
  expect(await count('nobody').catch((error: unknown) => error)).toBeInstanceOf(Anthropic.NotFoundError);
});

test('the estimate is of all text; a picture counts as one, however many bytes it has', () => {
  const of = (...content: unknown[]) => estimatedTokens({ messages: [{ role: 'user', content }] });
  const none = of();
  const picture = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
  expect(of(picture('x'.repeat(100_000)))).toBe(of(picture('')));
  expect(of(picture('')) - none).toBeGreaterThanOrEqual(1_600);
  const text = { type: 'text', text: 'x'.repeat(4_000) };
  expect(of(text) - none).toBeGreaterThanOrEqual(1_000);
  expect(of({ type: 'tool_result', content: [text] }) - none).toBeGreaterThanOrEqual(1_000);
  const schema = { input_schema: { properties: { source: { type: 'string' } } } };
  expect(estimatedTokens({ tools: [schema], messages }) - estimatedTokens({ messages })).toBeLessThan(50);
  expect(of({ type: 'tool_use', input: { path: 'x'.repeat(4_000) } }) - none).toBeGreaterThanOrEqual(1_000);
  const document = {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: 'x'.repeat(9_000) },
  };
  expect(of(document) - none).toBeLessThan(50);
  expect(
    estimatedTokens({ system: 'x'.repeat(4_000), tools: [text], messages }) - estimatedTokens({ messages }),
  ).toBeGreaterThan(1_990);
});
