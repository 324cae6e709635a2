/** Responses that came through chat, which no provider keeps, fetched again as if one did: with OpenAI's own client. */
import { LLMock } from '@copilotkit/aimock';
import OpenAI from 'openai';
import { createKeyDesk } from '../../../../../lib/access/key-desk';
import { listOf, objectOf, textOf } from '../../../../../lib/providers/any-json';
import { atEnd } from '../../../../started';
import { orderedConfig, startDoors } from '../start-doors';

let doors: Awaited<ReturnType<typeof startDoors>>;
let [acme, other] = [] as unknown as [OpenAI, OpenAI];

beforeAll(async () => {
  const mock = new LLMock({ port: 0 });
  mock.onMessage(/weather/, { toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] });
  mock.onMessage(/./, { content: 'Hello from the mock.' });
  await mock.start();
  atEnd(() => mock.stop());
  doors = await startDoors(
    orderedConfig(
      [
        { name: 'chatty', provider: 'chat' },
        { name: 'claude', provider: 'anthropic' },
      ],
      {
        chat: { kind: 'openai', baseUrl: `${mock.url}/v1`, apis: ['chat'] },
        anthropic: { kind: 'anthropic', baseUrl: `${mock.url}/v1` },
      },
    ),
  );
  const { broker, clock, topicPrefix } = doors.home;
  const desk = createKeyDesk({ broker, clock, topicPrefix, name: 'test' });
  const clientOf = async (tenantId: string): Promise<OpenAI> => {
    const { secret } = await desk.create({ name: 'k', tenantId }, 'test');
    while ((await doors.get('/v1/models', { 'x-api-key': secret })).status === 401);
    return new OpenAI({ baseURL: 'http://replaced', apiKey: secret, maxRetries: 0 });
  };
  [acme, other] = [await clientOf('acme'), await clientOf('other')];
});

const now = (client: OpenAI): OpenAI => client.withOptions({ baseURL: `${doors.url}/v1` });
const refusalOf = (call: () => PromiseLike<unknown>): PromiseLike<unknown> =>
  call().then(
    () => 'taken',
    (error: unknown) => error,
  );
const tools: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'weather', parameters: {}, strict: null }];

test.each(['chatty', 'claude'])(
  'what %s answered is fetched again as it was, whole or streamed, and after a restart',
  async (model) => {
    const whole = await now(acme).responses.create({
      model,
      input: 'hello',
      instructions: 'Be kind.',
      metadata: { a: 'b' },
    });
    let streamed: OpenAI.Responses.Response | null = null;
    for await (const event of await now(acme).responses.create({
      model,
      input: 'What is the weather?',
      tools,
      stream: true,
    }))
      if (event.type === 'response.completed') streamed = event.response;
    expect([whole, streamed].map((response) => objectOf(response)['store'])).toEqual([true, true]);
    for (const restarts of [false, true]) {
      if (restarts) await doors.restart();
      // What the door says of the call itself is in its answer alone.
      const { quantum_router: _said, ...answered } = whole as OpenAI.Responses.Response & { quantum_router?: unknown };
      expect(await now(acme).responses.retrieve(whole.id)).toEqual({
        ...answered,
        output_text: 'Hello from the mock.',
      });
      expect((await now(acme).responses.retrieve(streamed!.id)).output).toEqual(streamed!.output);
      for (const call of [
        () => now(other).responses.retrieve(whole.id),
        () => now(other).responses.delete(whole.id),
        () => now(other).responses.inputItems.list(whole.id),
      ])
        expect(await refusalOf(call)).toMatchObject({ status: 404 });
    }
  },
);

test('what it was asked with is listed with what it went on from, in either order and page by page', async () => {
  const { responses } = now(acme);
  const first = await responses.create({ model: 'chatty', input: 'What is the weather?', tools });
  const call = first.output.find((item) => item.type === 'function_call')!;
  const second = await responses.create({
    ...{ model: 'claude', previous_response_id: first.id, tools },
    input: [
      { type: 'function_call_output', call_id: call.call_id, output: 'rain' },
      { type: 'item_reference', id: call.id! },
    ],
  });
  const listed: OpenAI.Responses.ResponseItem[] = [];
  for await (const item of responses.inputItems.list(second.id, { order: 'asc', limit: 1 })) listed.push(item);
  expect(listed).toMatchObject([
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'What is the weather?' }] },
    { type: 'function_call', id: call.id, call_id: call.call_id },
    { type: 'function_call_output', call_id: call.call_id, output: 'rain' },
    // Named by the caller, and written out as the model was sent it.
    { type: 'function_call', call_id: call.call_id },
  ]);
  expect(new Set(listed.map((item) => item.id)).size).toBe(4);
  expect([first, second].map((response) => response.previous_response_id)).toEqual([null, first.id]);
  expect((await responses.retrieve(second.id)).previous_response_id).toBe(first.id);
  const newest = await responses.inputItems.list(second.id);
  expect([newest.data, newest.has_more]).toEqual([[...listed].reverse(), false]);
  // One that was asked for in names of items is gone on from, too.
  const third = await responses.create({ model: 'chatty', previous_response_id: second.id, input: 'hello' });
  expect(third.output_text).toBe('Hello from the mock.');
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['limit=1e3', 'limit'],
    ['limit=x', 'limit'],
    ['order=up', 'order'],
    ['after=msg_nobody', 'after'],
  ] as const) {
    const refused = await now(acme)
      .get(`/responses/${second.id}/input_items?${query}`)
      .catch((error: unknown) => error);
    expect([query, refused]).toMatchObject([query, { status: 400, param: field }]);
  }
});

test('an item that is sent again under its name, or twice, is listed as often, and pages end', async () => {
  const { responses } = now(acme);
  const first = await responses.create({ model: 'chatty', input: 'hello' });
  const again = first.output.filter((item) => item.type === 'message');
  const twice = { type: 'message' as const, id: 'msg_twice', role: 'user' as const, content: 'Hello again.' };
  const { id } = await responses.create({
    ...{ model: 'chatty', previous_response_id: first.id },
    input: [...again, twice, twice],
  });
  for (const order of ['asc', 'desc'] as const) {
    const texts: string[] = [];
    const names = new Set<unknown>();
    for await (const item of responses.inputItems.list(id, { order, limit: 1 })) {
      names.add(item.id);
      texts.push(textOf(objectOf(listOf(objectOf(item)['content'])[0])['text']));
      if (texts.length > 5) break;
    }
    const said = ['hello', 'Hello from the mock.', 'Hello from the mock.', 'Hello again.', 'Hello again.'];
    expect([texts, names.size]).toEqual([order === 'asc' ? said : said.reverse(), 5]);
  }
});

test('what is deleted is fetched and gone on from no more, nor are its items; what is not in the background is not cancelled', async () => {
  const { responses } = now(acme);
  const { id, output } = await responses.create({ model: 'chatty', input: 'hello' });
  expect(await refusalOf(() => responses.cancel(id))).toMatchObject({
    status: 400,
    message: expect.stringMatching(/background/),
  });
  expect(await refusalOf(() => responses.retrieve(id, { stream: true }))).toMatchObject({
    status: 400,
    param: 'stream',
  });
  await responses.delete(id);
  for (const call of [() => responses.retrieve(id), () => responses.delete(id), () => responses.inputItems.list(id)])
    expect(await refusalOf(call)).toMatchObject({ status: 404 });
  for (const body of [
    { input: 'go on', previous_response_id: id },
    { input: [{ type: 'item_reference' as const, id: output[0]!.id! }] },
  ])
    expect(await refusalOf(() => responses.create({ model: 'chatty', ...body }))).toMatchObject({ status: 400 });
});

test('what is deleted is not answered again to a call that comes again', async () => {
  const { responses } = now(acme);
  const ask = () => responses.create({ model: 'chatty', input: 'hello' }, { headers: { 'idempotency-key': 'again' } });
  const { id } = await ask();
  expect((await ask()).id).toBe(id);
  await responses.delete(id);
  const anew = await ask();
  expect(anew.id).not.toBe(id);
  expect((await responses.retrieve(anew.id)).id).toBe(anew.id);
});

test('what is not to be kept is not there, and says so', async () => {
  const unkept = await now(acme).responses.create({ model: 'chatty', input: 'hello', store: false });
  expect(objectOf(unkept)['store']).toBe(false);
  expect(await refusalOf(() => now(acme).responses.retrieve(unkept.id))).toMatchObject({ status: 404 });
});
