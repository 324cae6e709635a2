/** Responses that a provider keeps: fetched again, made in the background, cancelled, deleted; with OpenAI's own client. */
import OpenAI from 'openai';
import { createVirtualClock } from '../../../../../lib/adapters/memory/virtual-clock';
import { emptyFacts } from '../../../../../lib/providers/answer-facts';
import { UpstreamError } from '../../../../../lib/providers/upstream-error';
import { createLog } from '../../../../../lib/telemetry/log';
import type { BackgroundResponse } from '../../../../../lib/topics/generated/messages';
import type { Attempt } from '../../../../../services/gateway/doors/call-models';
import { createBackgroundFollower } from '../../../../../services/gateway/doors/kept/follow-background';
import type { FollowedResponses } from '../../../../../services/gateway/doors/kept/followed-responses';
import { orderedConfig, startDoors } from '../start-doors';
import { startKeeper } from '../start-keeper';

type Keeper = Awaited<ReturnType<typeof startKeeper>>;
let keeper: Keeper;
let doors: Awaited<ReturnType<typeof startDoors>>;
let openai: OpenAI;

beforeAll(async () => {
  keeper = await startKeeper();
  const one = { kind: 'openai' as const, baseUrl: keeper.url };
  doors = await startDoors(orderedConfig([{ name: 'first', provider: 'one' }], { one }));
  openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
});

test('a response is fetched, listed and deleted where its model has it', async () => {
  const { id } = await openai.responses.create({ model: 'auto', input: 'hello' });
  const { data, response } = await openai.responses
    .retrieve(id, { include: ['message.output_text.logprobs'] })
    .withResponse();
  expect([data.output_text, response.headers.get('x-quantum-model')]).toEqual(['fine', 'first']);
  expect(keeper.asked.at(-1)).toMatch(/^GET \/v1\/responses\/resp_1\?include.*logprobs no body$/);
  const items = await openai.responses.inputItems.list(id, { limit: 2 });
  expect([items.data.length, keeper.asked.at(-1)]).toEqual([1, 'GET /v1/responses/resp_1/input_items?limit=2 no body']);
  await openai.responses.delete(id);
  expect(keeper.asked.at(-1)).toBe('DELETE /v1/responses/resp_1 no body');
  const gone = await openai.responses.retrieve(id).catch((error: unknown) => error);
  expect(gone).toMatchObject({ status: 404, message: expect.stringContaining('there is no such response') });
});

test('what this gateway has not passed on is given to nobody, and no provider is asked for it', async () => {
  const before = keeper.asked.length;
  for (const id of ['resp_of_somebody', '../models', 'a/b', '\ud83d\ude00', 'x'.repeat(2_000)]) {
    const refused = await doors.get(`/v1/responses/${encodeURIComponent(id)}`);
    expect([id.slice(0, 9), refused.status]).toEqual([id.slice(0, 9), 404]);
    expect(await refused.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  }
  expect(keeper.asked).toHaveLength(before);
});

test('who says that nothing is JSON, as the Python client does, is understood; where something is needed it is missed', async () => {
  const headers = { 'content-type': 'application/json' };
  const ask = (method: string, path: string) => fetch(`${doors.url}/v1/${path}`, { method, headers });
  const { id } = await openai.responses.create({ model: 'auto', input: 'hello' });
  expect((await ask('POST', `responses/${id}/cancel`)).status).toBe(200);
  expect((await ask('DELETE', `responses/${id}`)).status).toBe(200);
  expect((await ask('POST', 'analytics')).status).toBe(200);
  const refused = await ask('POST', 'responses');
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('the body is empty')]);
});

test('whether it is to come as a stream is said once, and in a word that is known', async () => {
  const { id } = await openai.responses.create({ model: 'auto', input: 'hello' });
  for (const query of ['stream=true&stream=true', 'stream=false&stream=true', 'stream=1']) {
    const refused = await doors.get(`/v1/responses/${id}?${query}`);
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'stream' } }]);
  }
  expect((await doors.get(`/v1/responses/${id}?stream=false`)).status).toBe(200);
});

test('a response in the background is learned from once it is through, and not as an empty answer before', async () => {
  keeper.becomes('in_progress');
  const made = await openai.responses.create({ model: 'auto', input: 'think', background: true }).withResponse();
  expect(made.data.status).toBe('queued');
  const decisionId = made.response.headers.get('x-quantum-decision-id')!;
  expect((await openai.responses.retrieve(made.data.id)).status).toBe('in_progress');
  keeper.becomes('completed');
  const [outcome] = await doors.outcomes(decisionId, 1);
  expect(outcome).toMatchObject({ status: 'SUCCESS', inputTokens: 100, outputTokens: 10, finishReason: 'completed' });
  expect([outcome!.costUsd, outcome!.rewardParts['mechanical:empty']]).toEqual([expect.closeTo(0.0002), undefined]);
});

test.each([
  ['failed', 'FAILURE'],
  ['cancelled', 'CANCELLED'],
])('one that is %s in the background is reported as %s', async (status, reported) => {
  keeper.becomes(status === 'failed' ? status : 'in_progress');
  const made = await openai.responses.create({ model: 'auto', input: 'think', background: true }).withResponse();
  if (status === 'cancelled') expect((await openai.responses.cancel(made.data.id)).status).toBe('cancelled');
  const [outcome] = await doors.outcomes(made.response.headers.get('x-quantum-decision-id')!, 1);
  expect(outcome).toMatchObject({ status: reported, costUsd: null, rewardParts: {} });
});

test('a stream of one in the background says its name at once; a caller who leaves can come again, and what came of it is learned', async () => {
  keeper.becomes('in_progress');
  const leaving = new AbortController();
  const { data: stream, response } = await openai.responses
    .create({ model: 'auto', input: 'think', background: true, stream: true }, { signal: leaving.signal })
    .withResponse();
  const first = await stream[Symbol.asyncIterator]().next();
  const { id } = (first.value as { response: { id: string } }).response;
  leaving.abort();
  expect((await openai.responses.retrieve(id)).status).toBe('in_progress');
  keeper.becomes('completed');
  const [outcome] = await doors.outcomes(response.headers.get('x-quantum-decision-id')!, 1);
  expect(outcome).toMatchObject({ status: 'SUCCESS', inputTokens: 100, outputTokens: 10, firstTokenMs: null });
  let text = '';
  for await (const event of await openai.responses.retrieve(id, { stream: true, starting_after: 0 }))
    if (event.type === 'response.output_text.delta') text += event.delta;
  expect(text).toBe('fine');
});

test.each([
  ['fails', 'failed', 'FAILURE'],
  ['breaks', 'completed', 'SUCCESS'],
  ['ends', 'completed', 'SUCCESS'],
] as const)(
  'a caller who stays is told where its stream %s, and what came of the response, %s, is learned',
  async (how, status, reported) => {
    keeper.becomes('in_progress');
    const asked = { model: 'auto', input: 'think', background: true, stream: true };
    const response = await doors.post('/v1/responses', asked);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain('event: response.created\n');
    keeper.becomes(status);
    keeper.endStream(how);
    let rest = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value;
    expect(rest).toMatch(/^event: error\ndata: \{"type":"error",.*\}\n\n$/);
    const [outcome] = await doors.outcomes(response.headers.get('x-quantum-decision-id')!, 1);
    expect(outcome).toMatchObject({ status: reported });
  },
);

test('one that is streamed again and ends in its middle says so; one that has nothing more to say does not', async () => {
  keeper.becomes('in_progress');
  const { id } = await openai.responses.create({ model: 'auto', input: 'think', background: true });
  await openai.responses.retrieve(id);
  const textOf = async (query: string): Promise<string> =>
    (await doors.get(`/v1/responses/${id}?stream=true${query}`)).text();
  expect(await textOf('')).toMatch(
    /^event: response.in_progress\n[\s\S]*event: error\ndata: \{"type":"error",.*\}\n\n$/,
  );
  keeper.becomes('completed');
  await openai.responses.retrieve(id);
  expect(await textOf('')).toMatch(/event: response.completed\n.*\n\n$/);
  expect(await textOf('&starting_after=3')).toBe('');
});

describe('following a response in the background', () => {
  const attempt = (): Attempt => ({
    model: orderedConfig([{ name: 'first', provider: 'one' }], {}).models[0]!,
    providerConfig: { kind: 'openai' } as Attempt['providerConfig'],
    ...{ number: 1, startedMs: 0, error: null, firstTokenMs: null, endedMs: 5 },
    facts: { ...emptyFacts(), id: 'resp_1', finishReason: 'queued', isInBackground: true },
  });
  const start = (whole: () => Promise<{ text: string; upstreamRequestId: null }>) => {
    const clock = createVirtualClock();
    const client = { whole, stream: () => Promise.reject(), unusable: () => null, close: async () => {} };
    const written = new Map<string, BackgroundResponse>();
    const rows: FollowedResponses = {
      add: (row) => void written.set(row.id, row),
      remove: (id) => void written.delete(id),
      has: (id) => written.has(id),
      values: () => [...written.values()],
      close: async () => {},
    };
    const adopted: unknown[] = [];
    const open = () =>
      createBackgroundFollower({
        ...{ client, clock, rows, log: createLog({ level: 'silent' }), othersEveryMs: 60_000 },
        attemptOf: attempt,
        onAdopted: async ({ decisionId }, { facts, error }) => {
          adopted.push([decisionId, facts.finishReason, error?.status ?? null]);
        },
      });
    return { clock, follower: open(), open, written, adopted };
  };
  const of = { decisionId: 'd', routingKey: 'k', model: 'first' };

  test('waits longer each time, and gives up what is never through', async () => {
    let asked = 0;
    const { clock, follower } = start(async () => {
      asked++;
      if (asked % 2 === 0) throw new UpstreamError('FAILURE', 'away', { httpStatus: 503 });
      return { text: JSON.stringify({ id: 'resp_1', status: 'in_progress', output: [] }), upstreamRequestId: null };
    });
    const ends: Attempt[] = [];
    const one = attempt();
    follower.follow(one, null, async () => void ends.push(one));
    await clock.advanceBy(2 * 3_600_000);
    expect(ends).toEqual([one]);
    expect([one.error, one.endedMs, one.facts.finishReason]).toEqual([null, null, 'queued']);
    expect(asked).toBeLessThan(80);
  });

  test('ends with the gateway, once, and with what the provider no longer has', async () => {
    const { clock, follower } = start(() => Promise.reject(new UpstreamError('FAILURE', 'gone', { httpStatus: 404 })));
    let ends = 0;
    follower.follow(attempt(), null, async () => void ends++);
    await clock.advanceBy(1_000);
    expect(ends).toBe(1);
    follower.follow(attempt(), null, async () => void ends++);
    follower.stop();
    await clock.advanceBy(10_000);
    expect(ends).toBe(2);
    // A stream that breaks because the gateway ends comes behind that, and must not keep it alive.
    follower.follow(attempt(), null, async () => void ends++);
    await clock.advanceBy(10_000);
    expect(ends).toBe(2);
  });

  test('a stream stands in the log while it is passed on: what came of it is known where its gateway is gone, and told once where it is not', async () => {
    const { clock, follower, open, written, adopted } = start(async () => ({
      text: JSON.stringify({ id: 'resp_1', status: 'completed', output: [] }),
      upstreamRequestId: null,
    }));
    let ends = 0;
    const report = async () => void ends++;
    const whole = follower.watchStream(attempt(), of);
    expect([...written.values()]).toMatchObject([{ id: 'resp_1', ...of }]);
    // Its own gateway knows that it is being passed on.
    await clock.advanceBy(180_000);
    whole.ends(report);
    await clock.settle();
    expect([ends, written.size, adopted]).toEqual([1, 0, []]);
    // Its caller goes, and it is followed on.
    follower.watchStream(attempt(), of).breaks(report);
    await clock.advanceBy(1_000);
    expect([ends, written.size]).toEqual([2, 0]);
    // The gateway goes, and with it the stream.
    const cut = follower.watchStream(attempt(), of);
    follower.stop();
    cut.breaks(report);
    await clock.advanceBy(1_000);
    expect([ends, written.size]).toEqual([2, 1]);
    open();
    await clock.advanceBy(120_000);
    expect([adopted, written.size]).toEqual([[['d', 'completed', null]], 0]);
  });

  test('goes on at another gateway where its own is gone: what came of it is told once, and nothing where its own was first', async () => {
    let status = 'in_progress';
    const { clock, follower, open, written, adopted } = start(async () => ({
      text: JSON.stringify({ id: 'resp_1', status, output: [], usage: { input_tokens: 7, output_tokens: 1 } }),
      upstreamRequestId: null,
    }));
    let ends = 0;
    follower.follow(attempt(), of, async () => void ends++);
    expect([...written.values()]).toMatchObject([{ id: 'resp_1', ...of }]);
    follower.stop();
    const next = open();
    await clock.advanceBy(120_000);
    expect([ends, adopted, written.size]).toEqual([0, [], 1]);
    status = 'completed';
    await clock.advanceBy(60_000);
    expect([ends, adopted, written.size]).toEqual([0, [['d', 'completed', null]], 0]);
    // Its own gateway is still there, and through with it sooner than anybody else looks.
    const other = open();
    other.follow(attempt(), of, async () => void ends++);
    await clock.advanceBy(600_000);
    expect([ends, adopted.length, written.size]).toEqual([1, 1, 0]);
    next.stop();
    other.stop();
  });
});

test('what no path takes is said in the form of the API whose path it looks like', async () => {
  const long = await doors.get(`/v1/responses/${'x'.repeat(4_000)}`);
  const odd = await doors.get('/v1/responses/%E0%A4%A');
  const unknown = await doors.get('/v1/responses/resp_1/output_items');
  for (const refused of [long, odd, unknown]) {
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'not_found' } });
  }
  expect(await (await doors.get(`/v1/decisions/${'x'.repeat(4_000)}`)).json()).toMatchObject({
    error: { code: 'not_found', message: expect.stringContaining('too long') },
  });
  const anthropic = await doors.get('/v1/messages/batches');
  expect([anthropic.status, await anthropic.json()]).toMatchObject([
    404,
    { type: 'error', error: { type: 'not_found_error' } },
  ]);
});
