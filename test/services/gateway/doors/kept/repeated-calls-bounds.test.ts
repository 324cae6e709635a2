/** How long calls that come again are known, for whom, and how many of them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createVirtualClock } from '../../../../../lib/adapters/memory/virtual-clock';
import type { ApiName } from '../../../../../lib/config/provider-config';
import { createRepeatedCalls } from '../../../../../services/gateway/doors/kept/repeated-calls';

interface Given {
  readonly api?: ApiName;
  readonly tenantId?: string | null;
  readonly who?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the call answers, once it does. */
  readonly answer?: string | Promise<string>;
}

function start(maxBytes?: number) {
  const clock = createVirtualClock();
  const calls = createRepeatedCalls(clock, maxBytes);
  const made: string[] = [];
  /** Its answer, and whether it is one that was made before. */
  const ask = async (key: string, given: Given = {}) => {
    const { api = 'chat', tenantId = null, who = 'key 1', body = '{}', headers = {}, answer = 'a' } = given;
    const request = {
      ...{ body: JSON.parse(body), bodyText: body, url: '/v1', asker: { tenantId, who } },
      headers: { 'idempotency-key': key, ...headers },
    } as unknown as FastifyRequest;
    const sent: Record<string, unknown> = { 'x-quantum-decision-id': key };
    const reply = {
      statusCode: 200,
      getHeaders: () => sent,
      status: () => reply,
      headers: (all: object) => Object.assign(sent, all) && reply,
      header: (name: string, value: unknown) => Object.assign(sent, { [name]: value }) && reply,
    } as unknown as FastifyReply;
    const make = async () => {
      made.push(key);
      return answer;
    };
    const text = await calls.serve(api, request, reply, make, () => {});
    return [text, sent['x-quantum-repeated'] === 'true'];
  };
  return { clock, calls, ask, made };
}

test('one that was deleted is made anew, once, and only for whom it was deleted', async () => {
  const { calls, ask } = start();
  const first = '{"id":"resp_1"}';
  for (const tenantId of ['acme', 'other']) await ask('k', { tenantId, answer: first });
  calls.forget('acme', 'resp_1');
  expect(await ask('k', { tenantId: 'other' })).toEqual([first, true]);
  expect(await ask('k', { tenantId: 'acme', answer: '{"id":"resp_2"}' })).toEqual(['{"id":"resp_2"}', false]);
  expect(await ask('k', { tenantId: 'acme' })).toEqual(['{"id":"resp_2"}', true]);
});

test('an answer is known for an hour, and the next one under its key for another', async () => {
  const { clock, ask } = start();
  expect(await ask('k', { answer: 'first' })).toEqual(['first', false]);
  await clock.advanceBy(3_599_999);
  expect(await ask('k', { answer: 'other' })).toEqual(['first', true]);
  await clock.advanceBy(1);
  expect(await ask('k', { answer: 'second', body: '{"n":2}' })).toEqual(['second', false]);
  await clock.advanceBy(3_599_999);
  expect(await ask('k', { body: '{"n":2}' })).toEqual(['second', true]);
});

test('the same key of another tenant, of another caller or at another door is another call', async () => {
  const { ask, made } = start();
  const others: Given[] = [{}, { tenantId: 'acme' }, { tenantId: 'acme', who: 'key 2' }, { api: 'responses' }];
  for (const [index, other] of others.entries())
    expect(await ask('k', { ...other, answer: `${index}`, body: `{"n":${index}}` })).toEqual([`${index}`, false]);
  for (const [index, other] of others.entries())
    expect(await ask('k', { ...other, body: `{"n":${index}}` })).toEqual([`${index}`, true]);
  expect(made).toHaveLength(others.length);
});

test('headers that its provider is sent are of its content; those that nobody is sent are not', async () => {
  const { ask } = start();
  const with_ = (headers: Given['headers'], api: ApiName = 'messages') => ask('k', { api, headers: headers! });
  expect(await with_({ 'anthropic-beta': 'one' })).toEqual(['a', false]);
  expect(await with_({ 'anthropic-beta': 'one', 'user-agent': 'another' })).toEqual(['a', true]);
  for (const other of [{}, { 'anthropic-beta': 'two' }, { 'anthropic-beta': 'one', 'anthropic-version': '2023-06-01' }])
    await expect(with_(other)).rejects.toThrow(/other content/);
  expect(await with_({ 'anthropic-beta': 'one' }, 'chat')).toEqual(['a', false]);
  expect(await with_({ 'anthropic-beta': 'two' }, 'chat')).toEqual(['a', true]);
});

test('of answers beyond the bound the oldest of whoever has the most are forgotten, in bytes', async () => {
  const { ask } = start(20_000);
  // Two bytes each.
  const large = 'é'.repeat(1_500);
  await ask('small', { tenantId: 'small' });
  for (let index = 0; index < 10; index++) await ask(`k${index}`, { tenantId: 'large', answer: large });
  expect(await ask('small', { tenantId: 'small' })).toEqual(['a', true]);
  expect(await ask('k9', { tenantId: 'large', answer: large })).toEqual([large, true]);
  expect(await ask('k4', { tenantId: 'large', answer: large })).toEqual([large, false]);
});

test('many that expire and come again leave room for others', async () => {
  const { clock, ask } = start(20_000);
  for (let hour = 0; hour < 20; hour++) {
    await ask('again', { answer: 'x'.repeat(5_000) });
    await clock.advanceBy(3_600_000);
  }
  for (const key of ['k1', 'k2', 'k3']) await ask(key, { answer: 'x'.repeat(5_000) });
  for (const key of ['k1', 'k2', 'k3']) expect((await ask(key))[1]).toBe(true);
});

test('a call under way is not forgotten, however many others are made and however long it takes', async () => {
  const { clock, ask, made } = start(5_000);
  let answer = (_text: string): void => {};
  const slow = ask('slow', { answer: new Promise<string>((resolve) => (answer = resolve)) });
  for (let index = 0; index < 20; index++) await ask(`k${index}`, { answer: 'x'.repeat(2_000) });
  await clock.advanceBy(2 * 3_600_000);
  const again = ask('slow');
  await expect(ask('slow', { body: '{"n":2}' })).rejects.toThrow(/other content/);
  answer('late');
  expect([await slow, await again]).toEqual([
    ['late', false],
    ['late', true],
  ]);
  expect(made.filter((key) => key === 'slow')).toHaveLength(1);
  await clock.advanceBy(3_599_999);
  expect(await ask('slow')).toEqual(['late', true]);
});

test('one that failed is made anew by the first of those who wait, and the others wait for that', async () => {
  const { ask, made } = start();
  let fail = (_error: Error): void => {};
  const failing = ask('k', { answer: new Promise<string>((_resolve, reject) => (fail = reject)) });
  const waiting = [ask('k', { answer: 'anew' }), ask('k', { answer: 'never' })];
  fail(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  expect(await Promise.all(waiting)).toEqual([
    ['anew', false],
    ['anew', true],
  ]);
  expect(made).toHaveLength(2);
});
