/** Client libraries with a key in their own header, at the doors: tenants, scopes, feedback by the id of a completion. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { createKeyDesk } from '../../../../lib/access/key-desk';
import { atEnd } from '../../../started';
import { orderedConfig, startDoors } from './start-doors';
import { startKeeper } from './start-keeper';

const configWith = (keeperUrl: string) =>
  orderedConfig(
    [
      { name: 'demo-large', provider: 'demo' },
      { name: 'demo-small', provider: 'demo' },
      { name: 'keeps', provider: 'keeper' },
    ],
    { demo: { kind: 'demo' }, keeper: { kind: 'openai', baseUrl: keeperUrl } },
  );
const messages = [{ role: 'user' as const, content: 'Say good morning.' }];
type Doors = Awaited<ReturnType<typeof startDoors>>;

let doors: Doors;
let desk: ReturnType<typeof createKeyDesk>;
beforeAll(async () => {
  doors = await startDoors(configWith((await startKeeper()).url));
  const { broker, clock, topicPrefix } = doors.home;
  desk = createKeyDesk({ broker, clock, topicPrefix, name: 'test' });
});
afterAll(() => doors.stop());

/** A key that the gateway knows: what it shows may be a moment old. */
async function keyFor(wish: object): Promise<string> {
  const { secret } = await desk.create({ name: 'k', ...wish }, 'test');
  while ((await doors.get('/v1/models', { 'x-api-key': secret })).status === 401);
  return secret;
}

test('OpenAI and Anthropic send a key each in their own header; ids are as the caller sees them, and the log has the tenant', async () => {
  const apiKey = await keyFor({ tenantId: 'acme' });
  const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey, maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: doors.url, apiKey, maxRetries: 0 });
  const { data, response } = await openai.chat.completions.create({ model: 'auto', messages }).withResponse();
  expect(data.id).toMatch(/^chatcmpl-/);
  expect(response.headers.get('x-quantum-decision-id')).toBe(data.id);
  const [outcome] = await doors.outcomes(`@acme/${data.id}`, 1);
  expect(outcome).toMatchObject({ source: 'call', status: 'SUCCESS' });
  const message = await anthropic.messages.create({ model: 'auto', max_tokens: 50, messages });
  expect(message.id).toMatch(/^msg_/);
  await doors.outcomes(`@acme/${message.id}`, 1);
  const stream = await openai.chat.completions.create({ model: 'auto', messages, stream: true });
  for await (const piece of stream) expect(piece.id).toMatch(/^chatcmpl-/);
  // The id of the completion is what feedback names; another tenant has no such completion.
  const feedback = (key: string) =>
    doors.post('/v1/feedback', { decisionId: data.id, quality: 1 }, { authorization: `Bearer ${key}` });
  expect((await feedback(await keyFor({ tenantId: 'other' }))).status).toBe(404);
  expect((await feedback(apiKey)).status).toBe(202);
  const [, told] = await doors.outcomes(`@acme/${data.id}`, 2);
  expect(told).toMatchObject({ source: 'k', quality: 1 });
  const decision = await doors.get(`/v1/decisions/${data.id}`, { 'x-api-key': apiKey });
  expect(await decision.json()).toMatchObject({ decisionId: data.id, tenantId: 'acme' });
});

test('an item that the provider keeps for one tenant is not gone on from by another, who shares the key there', async () => {
  const of = async (tenantId: string) =>
    new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: await keyFor({ tenantId }), maxRetries: 0 }).responses;
  const [acme, other] = [await of('acme'), await of('other')];
  const { output } = await acme.create({ model: 'keeps', input: 'a secret' });
  const input = [{ type: 'item_reference' as const, id: output[0]!.id! }];
  expect((await acme.create({ model: 'keeps', input })).status).toBe('completed');
  await expect(other.create({ model: 'keeps', input })).rejects.toMatchObject({ status: 400, param: 'input[0].id' });
});

test('a key for one model is decided within it, and refused others and presets in words of its library', async () => {
  const apiKey = await keyFor({ models: ['demo-small'], presets: ['auto'] });
  const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey, maxRetries: 0 });
  const { response } = await openai.chat.completions.create({ model: 'auto', messages }).withResponse();
  expect(response.headers.get('x-quantum-model')).toBe('demo-small');
  for (const model of ['demo-large', 'auto/best']) {
    const refused = openai.chat.completions.create({ model, messages });
    await expect(refused).rejects.toMatchObject({ status: 403, param: 'model' });
  }
  const nothing = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: await keyFor({ models: ['gone'] }), maxRetries: 0 });
  await expect(nothing.chat.completions.create({ model: 'auto', messages })).rejects.toMatchObject({ status: 403 });
});

test('client libraries raise what they raise elsewhere for a wrong key and for too many calls', async () => {
  const wrong = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'qr_wrong', maxRetries: 0 });
  await expect(wrong.chat.completions.create({ model: 'auto', messages })).rejects.toBeInstanceOf(
    OpenAI.AuthenticationError,
  );
  const wrongToo = new Anthropic({ baseURL: doors.url, apiKey: 'qr_wrong', maxRetries: 0 });
  await expect(wrongToo.messages.create({ model: 'auto', max_tokens: 9, messages })).rejects.toBeInstanceOf(
    Anthropic.AuthenticationError,
  );
  const { secret } = await desk.create({ name: 'slow', requestsPerMinute: 0.01, burst: 1 }, 'test');
  const slow = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: secret, maxRetries: 0 });
  let raised: unknown = null;
  // The first may come before the gateway knows the key, and the next is the one that is allowed.
  for (let calls = 0; calls < 10_000 && !(raised instanceof OpenAI.RateLimitError); calls++)
    raised = await slow.models.list().then(
      () => null,
      (error: unknown) => error,
    );
  expect(raised).toBeInstanceOf(OpenAI.RateLimitError);
});

test('the key of a caller goes to no provider', async () => {
  const received: string[] = [];
  const upstream = createServer((request, response) => {
    received.push(JSON.stringify(request.headers));
    request.resume().on('end', () => {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }];
      const body = { id: 'c', object: 'chat.completion', model: 'm', choices };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  atEnd(() => upstream.closeAllConnections());
  const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const local = await startDoors(
    orderedConfig([{ name: 'm', provider: 'local' }], { local: { baseUrl, apis: ['chat', 'messages'] } }),
  );
  const { broker, clock, topicPrefix } = local.home;
  const { secret } = await createKeyDesk({ broker, clock, topicPrefix, name: 't' }).create({ name: 'k' }, 'test');
  const headers = { authorization: `Bearer ${secret}`, 'x-api-key': secret };
  const call = () => local.post('/v1/chat/completions', { model: 'auto', messages }, headers);
  while ((await call()).status === 401);
  expect(received.length).toBeGreaterThan(0);
  for (const one of received) expect(one).not.toContain(secret.slice(-43));
  await local.stop();
  upstream.close();
});

test('the key of a caller is in no topic and in no line of the log', async () => {
  const apiKey = await keyFor({ tenantId: 'acme' });
  const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey, maxRetries: 0 });
  await openai.chat.completions.create({ model: 'auto', messages });
  const { broker } = doors.home;
  for (const { name, partitions } of await broker.listTopics())
    for (let partition = 0; partition < partitions; partition++) {
      const { earliest, end } = await broker.offsets({ topic: name, partition });
      for await (const records of broker.read({ topic: name, partition }, { from: earliest, to: end }))
        for (const { value, headers } of records) {
          expect(value?.toString('latin1') ?? '').not.toContain(apiKey.slice(-43));
          expect(JSON.stringify(headers)).not.toContain(apiKey.slice(-43));
        }
    }
  expect(doors.logged.join()).not.toContain(apiKey.slice(-43));
});
