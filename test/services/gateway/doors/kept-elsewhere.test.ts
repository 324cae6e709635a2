/** Who keeps a response is known after a restart and to other gateways, and told to nobody else; with OpenAI's own client. */
import OpenAI from 'openai';
import { createKeyDesk } from '../../../../lib/access/key-desk';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import type { KeptResponse } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { createRememberedResponses } from '../../../../services/gateway/doors/kept/remember-responses';
import { memoryHome } from '../../../../services/home';
import { orderedConfig, startDoors } from './start-doors';
import { startKeeper } from './start-keeper';

type Keeper = Awaited<ReturnType<typeof startKeeper>>;
let [one, two] = [] as unknown as [Keeper, Keeper];
let doors: Awaited<ReturnType<typeof startDoors>>;
let desk: ReturnType<typeof createKeyDesk>;

beforeAll(async () => {
  [one, two] = [await startKeeper('resp_one_'), await startKeeper('resp_two_')];
  const config = orderedConfig(
    [
      { name: 'first', provider: 'one' },
      { name: 'second', provider: 'two' },
    ],
    { one: { kind: 'openai', baseUrl: one.url }, two: { kind: 'openai', baseUrl: two.url } },
  );
  doors = await startDoors(config);
  const { broker, clock, topicPrefix } = doors.home;
  desk = createKeyDesk({ broker, clock, topicPrefix, name: 'test' });
});
afterAll(() => doors.stop());

async function clientOf(tenantId: string | null): Promise<OpenAI> {
  const { secret } = await desk.create({ name: 'k', tenantId }, 'test');
  while ((await doors.get('/v1/models', { 'x-api-key': secret })).status === 401);
  return new OpenAI({ baseURL: 'http://replaced', apiKey: secret, maxRetries: 0 });
}
/** The same client at the port of the engine as it runs now. */
const now = (client: OpenAI): OpenAI => client.withOptions({ baseURL: `${doors.url}/v1` });
const refusalOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'taken',
    (error: unknown) => error,
  );

test('after a restart a response is read, gone on from, cancelled and deleted where it is; nobody else is given it', async () => {
  const [acme, other, nobody] = [await clientOf('acme'), await clientOf('other'), await clientOf(null)];
  const kept = await now(acme).responses.create({ model: 'second', input: 'hello' });
  const later = await now(acme).responses.create({ model: 'second', input: 'think', background: true });
  expect(kept.id).toMatch(/^resp_two_/);
  await doors.restart();
  for (const stranger of [other, nobody]) {
    const before = two.asked.length;
    expect(await refusalOf(now(stranger).responses.retrieve(kept.id))).toMatchObject({ status: 404 });
    for (const model of ['auto', 'second'])
      expect(
        await refusalOf(now(stranger).responses.create({ model, input: 'go on', previous_response_id: kept.id })),
      ).toMatchObject({ status: 400, param: 'previous_response_id', type: 'invalid_request_error' });
    expect(two.asked).toHaveLength(before);
  }
  const { data, response } = await now(acme).responses.retrieve(kept.id).withResponse();
  expect([data.output_text, response.headers.get('x-quantum-provider')]).toEqual(['fine', 'two']);
  // The other model is the better one, and knows nothing of it.
  const next = await now(acme)
    .responses.create({ model: 'auto', input: 'and now?', previous_response_id: kept.id })
    .withResponse();
  expect(next.response.headers.get('x-quantum-model')).toBe('second');
  expect(two.bodies.at(-1)).toMatchObject({ model: 'second', previous_response_id: kept.id });
  expect((await now(acme).responses.cancel(later.id)).status).toBe('cancelled');
  await now(acme).responses.delete(kept.id);
  expect(await refusalOf(now(acme).responses.retrieve(kept.id))).toMatchObject({ status: 404 });
});

test('what came of a response in the background is told after a restart, with what it cost', async () => {
  const keeper = await startKeeper();
  const config = orderedConfig([{ name: 'only', provider: 'one' }], { one: { kind: 'openai', baseUrl: keeper.url } });
  const own = await startDoors(config, {}, { followOthersEveryMs: 20 });
  const { broker, clock, topicPrefix } = own.home;
  const { secret } = await createKeyDesk({ broker, clock, topicPrefix, name: 'own' }).create(
    { name: 'k', tenantId: 'acme' },
    'test',
  );
  const key = { 'x-api-key': secret };
  while ((await own.get('/v1/models', key)).status === 401);
  const call = await own.post('/v1/responses', { model: 'only', input: 'think', background: true }, key);
  await own.restart();
  expect(await call.json()).toMatchObject({ status: 'queued' });
  keeper.becomes('completed');
  const [outcome] = await own.outcomes(`@acme/${call.headers.get('x-quantum-decision-id')}`, 1);
  expect(outcome).toMatchObject({ model: 'only', status: 'SUCCESS', inputTokens: 100, outputTokens: 10 });
  expect(outcome!.costUsd).toBeCloseTo(0.0002);
});

test('a model of another provider cannot go on from it, and is not asked', async () => {
  const acme = await clientOf('acme');
  const { id } = await now(acme).responses.create({ model: 'second', input: 'hello' });
  const before = one.asked.length;
  for (const stream of [false, true])
    expect(
      await refusalOf(now(acme).responses.create({ model: 'first', input: 'on', previous_response_id: id, stream })),
    ).toMatchObject({
      ...{ status: 400, param: 'previous_response_id' },
      message: expect.stringContaining('two keeps it, and "first" is a model of one'),
    });
  expect(one.asked).toHaveLength(before);
});

test('a stream is known from its first event on, and streamed again from where it was left', async () => {
  const acme = await clientOf('acme');
  const stream = await now(acme).responses.create({ model: 'second', input: 'hello', background: true, stream: true });
  let id = '';
  for await (const event of stream)
    if (event.type === 'response.created') {
      id = event.response.id;
      break;
    }
  await doors.restart();
  const typesAfter = async (after?: number): Promise<string[]> => {
    const query = { stream: true as const, ...(after !== undefined && { starting_after: after }) };
    const types: string[] = [];
    for await (const event of await now(acme).responses.retrieve(id, query)) types.push(event.type);
    return types;
  };
  expect(await typesAfter(1)).toEqual(['response.output_text.delta', 'response.completed']);
  expect(await typesAfter()).toHaveLength(4);
  const gone = await refusalOf(now(await clientOf('other')).responses.retrieve(id, { stream: true }));
  expect(gone).toMatchObject({ status: 404 });
});

test('a conversation goes on with the model that answered in it, after a restart too, and for its tenant alone', async () => {
  const [acme, other] = [await clientOf('acme'), await clientOf('other')];
  const ask = (client: OpenAI, model: string, conversation: string | { id: string }) =>
    now(client).responses.create({ model, input: 'hello', conversation }).withResponse();
  // Nobody has seen it yet, so who has it must be said.
  expect(await refusalOf(ask(acme, 'auto', 'conv_1'))).toMatchObject({ status: 400, param: 'model' });
  await ask(acme, 'second', 'conv_1');
  expect((await ask(acme, 'auto', { id: 'conv_1' })).response.headers.get('x-quantum-model')).toBe('second');
  await doors.restart();
  expect((await ask(acme, 'auto', 'conv_1')).response.headers.get('x-quantum-model')).toBe('second');
  for (const model of ['auto', 'second'])
    expect(await refusalOf(ask(other, model, 'conv_1'))).toMatchObject({ status: 400, param: 'conversation' });
});

test('what is not to be kept is not known either', async () => {
  const acme = await clientOf('acme');
  const { id } = await now(acme).responses.create({ model: 'second', input: 'hello', store: false });
  expect(await refusalOf(now(acme).responses.retrieve(id))).toMatchObject({ status: 404 });
});

describe('what is remembered', () => {
  const of = { tenantId: 'shop', model: 'm', provider: 'p' };
  const known = { kind: 'known', model: 'm', provider: 'p' };

  async function start() {
    const clock = createVirtualClock();
    const home = memoryHome({ clock, seed: 1 });
    const { keptResponses: topic } = topics;
    const settings = { partitions: 1, cleanup: 'delete' as const, retentionMs: null, maxRecordBytes: 1_000_000 };
    await home.broker.ensureTopics([{ name: topic.name, ...settings }]);
    const looked: string[] = [];
    const lookup = {
      async keptResponses(id: string): Promise<KeptResponse[]> {
        looked.push(id);
        const rows: KeptResponse[] = [];
        const at = { topic: topic.name, partition: 0 };
        const { earliest: from, end: to } = await home.broker.offsets(at);
        for await (const records of home.broker.read(at, { from, to }))
          rows.push(...records.map(({ value }) => topic.codec.decode(value!)).filter((row) => row.id === id));
        return rows;
      },
    };
    const open = (name: string, isWritten = true) =>
      createRememberedResponses({
        ...{ broker: home.broker, clock, lookup, metrics: createMetrics(), log: createLog({ level: 'silent' }) },
        ...{ topicPrefix: '', name, isWritten, maxRemembered: 2 },
      });
    const written = async (): Promise<number> => (await home.broker.offsets({ topic: topic.name, partition: 0 })).end;
    return { clock, looked, open, written };
  }

  test('the newest are in memory, older ones in the log; one that nobody knows is looked for once in a while', async () => {
    const { clock, looked, open } = await start();
    const [here, there] = [open('a'), open('b')];
    for (const id of ['a', 'b', 'c']) here.remember({ ...of, id });
    await here.close();
    expect(await here.keeperOf('shop', 'c')).toEqual(known);
    expect(looked).toEqual([]);
    expect(await here.keeperOf('shop', 'a')).toEqual(known);
    expect(await there.keeperOf('shop', 'b')).toEqual(known);
    expect(await there.keeperOf('other', 'b')).toEqual({ kind: 'of-others' });
    expect(looked).toEqual(['a', 'b']);
    for (let times = 0; times < 3; times++) expect(await there.keeperOf('shop', 'x')).toEqual({ kind: 'unknown' });
    await clock.advanceBy(2_000);
    await there.keeperOf('shop', 'x');
    expect(looked).toEqual(['a', 'b', 'x', 'x']);
    await there.close();
  });

  test('the same is written once a day; another place replaces it, and another owner does not', async () => {
    const { clock, open, written } = await start();
    const here = open('a');
    const remember = async (kept: Partial<KeptResponse>): Promise<number> => {
      here.remember({ ...of, id: 'conv', ...kept });
      await clock.advanceBy(10);
      return written();
    };
    expect(await remember({})).toBe(1);
    expect(await remember({})).toBe(1);
    expect(await remember({ tenantId: 'thief' })).toBe(1);
    expect(await remember({ provider: 'q' })).toBe(2);
    await clock.advanceBy(25 * 3_600_000);
    expect(await remember({ provider: 'q' })).toBe(3);
    await here.close();
    const there = open('b');
    expect(await there.keeperOf('shop', 'conv')).toEqual({ ...known, provider: 'q' });
    await there.close();
  });

  test('without a log it is known to this process alone', async () => {
    const { looked, open, written } = await start();
    const here = open('a', false);
    here.remember({ ...of, id: 'a' });
    await here.close();
    expect([await here.keeperOf('shop', 'a'), await here.keeperOf('shop', 'b')]).toEqual([known, { kind: 'unknown' }]);
    expect([looked, await written()]).toEqual([[], 0]);
  });
});
