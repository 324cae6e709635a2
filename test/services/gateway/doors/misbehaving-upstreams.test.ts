/** What the doors do when a provider does not do what it should: every call here goes over a real connection to a real server. */
import OpenAI from 'openai';
import { until } from '../../../../checks/chaos/until';
import { patienceMs } from '../../../patience';
import {
  type Behaviour,
  chunk,
  completion,
  fails,
  good,
  half,
  hangs,
  json,
  says,
  sse,
  startMisbehaving,
} from './misbehaving-upstream';
import { skippingClock } from './skipping-clock';
import { orderedConfig, startDoors } from './start-doors';

type Upstream = Awaited<ReturnType<typeof startMisbehaving>>;
type Doors = Awaited<ReturnType<typeof startDoors>>;
let upstream: Upstream;
let doors: Doors;

/** As generous as a good answer may need on a busy machine: nobody waits for it, it is skipped. */
const limitMs = 120_000;
const timeouts = { headersMs: limitMs, firstTokenMs: limitMs, gapMs: limitMs, totalMs: 10 * limitMs };
const clock = skippingClock();

/** Behaves like that, and lets time pass until the caller has had enough. */
const waitedFor =
  (behaviour: Behaviour): Behaviour =>
  (response, received) => {
    behaviour(response, received);
    // In parts, since the caller's next limit counts from when it has read what came.
    const passing = setInterval(() => clock.skip(limitMs / 4), 20);
    void received.closed.then(() => clearInterval(passing));
  };

beforeAll(async () => {
  upstream = await startMisbehaving();
  const provider = { kind: 'openai' as const, baseUrl: upstream.url };
  doors = await startDoors(
    orderedConfig(
      [
        { name: 'first', provider: 'one' },
        { name: 'second', provider: 'two' },
        { name: 'alone', provider: 'hasty' },
        { name: 'single', provider: 'narrow' },
        { name: 'idle', provider: 'narrow', expectedQuality: 0.99 },
        // One for each case: the engine learns that a model fails, and would ask the other one first.
        ...Array.from({ length: 2 * before.length + 1 }, (_, index) => ({
          name: `case-${index}`,
          provider: 'one',
          expectedQuality: 0.95,
        })),
      ],
      {
        one: { ...provider, timeouts },
        two: provider,
        hasty: { ...provider, timeouts: { ...timeouts, totalMs: limitMs } },
        narrow: { ...provider, maxConcurrent: 1 },
      },
    ),
    {},
    {},
    clock,
  );
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

const allowed = (...allowedModels: string[]) => ({ quantum_router: { limits: { allowedModels } } });
const ask = (model: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model,
  messages: [{ role: 'user', content: 'Say fine.' }],
  ...more,
});
const two = allowed('first', 'second');
const idOf = (response: Response): string => response.headers.get('x-quantum-decision-id')!;

/** What goes wrong before the first token, and the status that the outcome of the first model has then. */
const before: readonly (readonly [string, Behaviour, string, ('whole' | 'stream')?])[] = [
  ['hangs without a byte', waitedFor(hangs), 'TIMEOUT', 'stream'],
  ['begins and hangs', waitedFor(half('hangs')), 'TIMEOUT'],
  ['begins and closes', half('closes'), 'FAILURE'],
  ['closes at once', (response) => response.destroy(), 'FAILURE'],
  ['answers 500', fails(500), 'FAILURE'],
  ['answers 401 with a hint of the key', fails(401, {}, { error: { message: 'bad key sk-abc' } }), 'FAILURE'],
  ['redirects', fails(302, { location: 'http://127.0.0.1:1/' }), 'FAILURE'],
  ['answers 429', fails(429), 'RATE_LIMITED'],
  ['answers 429 with Retry-After', fails(429, { 'retry-after': '1' }), 'RATE_LIMITED'],
  ['answers 504', fails(504), 'TIMEOUT'],
  ['answers HTML', says('<html>', { 'content-type': 'text/html' }), 'FAILURE'],
  ['answers something compressed', says('x', { ...json, 'content-encoding': 'gzip' }), 'FAILURE'],
  ['answers garbage', says('{"id": nonsense'), 'FAILURE', 'whole'],
  ['answers JSON of another kind', says('{"choices": 7}'), 'FAILURE', 'whole'],
  ['answers an error with 200', says('{"error": {"message": "sorry"}}'), 'FAILURE', 'whole'],
  ['answers more than anybody can take', giant, 'FAILURE', 'whole'],
  ['sends garbage events', says('data: {"id": nonsense\n\n', sse), 'FAILURE', 'stream'],
  ['sends an error event', says('data: {"error":{"type":"overloaded"}}\n\n', sse), 'FAILURE', 'stream'],
  ['ends a stream before it begins', says(': nothing\n\n', sse), 'FAILURE', 'stream'],
  ['sends an event without an end', endlessEvent, 'FAILURE', 'stream'],
  ['sends comments for ever', comments, 'FAILURE', 'stream'],
];

/** Writes until the other side has had enough. */
function floods(headers: Record<string, string>, start: string, piece: string): Behaviour {
  return (response, { closed }) => {
    let isClosed = false;
    closed.then(() => {
      isClosed = true;
    });
    response.writeHead(200, headers).write(start);
    const write = (): void => {
      while (!isClosed && response.write(piece));
      if (!isClosed) response.once('drain', write);
    };
    write();
  };
}
function giant(...given: Parameters<Behaviour>) {
  return floods(json, '{"id":"', 'x'.repeat(65_536))(...given);
}
function endlessEvent(...given: Parameters<Behaviour>) {
  return floods(sse, 'data: {"id":"', 'x'.repeat(65_536))(...given);
}
function comments(...given: Parameters<Behaviour>) {
  return floods(sse, '', ': still here\n\n'.repeat(100))(...given);
}

describe.each(['whole', 'stream'] as const)('before the first token, %s', (mode) => {
  const cases = before
    .map(([what, behaviour, status, only], index) => ({ what, behaviour, status, only, index }))
    .filter(({ only }) => only === undefined || only === mode);
  test.each(cases)('a provider that $what is passed over', async ({ behaviour, status, index }) => {
    const model = `case-${2 * index + (mode === 'stream' ? 1 : 0)}`;
    upstream.behave(model, behaviour);
    const body = ask('auto', { ...allowed(model, 'second'), stream: mode === 'stream' });
    const response = await doors.post('/v1/chat/completions', body);
    const text = await response.text();
    expect([response.status, text]).toEqual([200, expect.stringContaining('fi')]);
    expect(response.headers.get('x-quantum-model')).toBe('second');
    expect(response.headers.get('x-quantum-attempt')).toBe('2');
    const outcomes = await doors.outcomes(idOf(response), 2);
    expect(outcomes.map((one) => [one.model, one.attempt, one.status])).toEqual([
      [model, 1, status],
      ['second', 2, 'SUCCESS'],
    ]);
    expect(outcomes[0]).toMatchObject({ costUsd: null, latencyMs: null, quality: null });
    expect(text).not.toMatch(/sk-abc/);
  });
});

test('feedback on a completion is booked on the fallback that answered', async () => {
  const model = `case-${2 * before.length}`;
  upstream.behave(model, fails(500));
  const response = await doors.post('/v1/chat/completions', ask('auto', allowed(model, 'second')));
  const { id } = (await response.json()) as { id: string };
  await doors.outcomes(id, 2);
  const answer = await doors.post('/v1/feedback', { decisionId: id, quality: 1 });
  expect([answer.status, await answer.json()]).toEqual([202, { decisionId: id, model: 'second', attempt: 2 }]);
});

test('a connection that the provider has given up as idle is no failure of its model', async () => {
  const closes: Behaviour = (response) => response.destroy();
  upstream.behave('idle', good(), closes, good());
  const body = ask('auto', allowed('idle', 'second'));
  await (await doors.post('/v1/chat/completions', body)).text();
  // The same connection again: the provider has only one.
  const response = await doors.post('/v1/chat/completions', body);
  await response.text();
  expect(response.headers.get('x-quantum-model')).toBe('idle');
  expect(upstream.callsOf('idle')).toHaveLength(3);
  expect(await doors.outcomes(idOf(response), 1)).toMatchObject([{ model: 'idle', status: 'SUCCESS' }]);
});

describe('when nobody answers', () => {
  test('a storm of 500s ends in 502 in the form of the API, after each was tried twice', async () => {
    upstream.behave('first', fails(500));
    upstream.behave('second', fails(503));
    const calls = upstream.received.length;
    const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const error = await openai.chat.completions.create(ask('auto', two) as never).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'upstream_failed' });
    expect(upstream.received).toHaveLength(calls + 4);
    const outcomes = await doors.outcomes(
      (error as InstanceType<typeof OpenAI.APIError>).headers!.get('x-quantum-decision-id')!,
      2,
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['FAILURE', 'FAILURE']);
    upstream.behave('second', good());
  });

  test('Retry-After is honoured: the model is called again then, and not before', async () => {
    upstream.behave('second', fails(429, { 'retry-after': '1' }), good());
    const calledBefore = upstream.callsOf('second').length;
    const startedMs = doors.clock.monotonicMs();
    const response = await doors.post('/v1/chat/completions', ask('second'));
    expect(response.status).toBe(200);
    expect(doors.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(999);
    expect(upstream.callsOf('second')).toHaveLength(calledBefore + 2);
    expect((await doors.outcomes(idOf(response), 1))[0]).toMatchObject({ status: 'SUCCESS', attempt: 1 });
  });

  test('a longer Retry-After than can be waited for is passed on, and the model left alone', async () => {
    upstream.behave('second', fails(429, { 'retry-after': '3600' }));
    const response = await doors.post('/v1/chat/completions', ask('second'));
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limited' } });
    expect(Number(response.headers.get('retry-after'))).toBe(3600);
    const calls = upstream.callsOf('second').length;
    const again = await doors.post('/v1/chat/completions', ask('second'));
    expect(again.status).toBe(429);
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(upstream.callsOf('second')).toHaveLength(calls);
  });

  test('a call that takes too long is a 504', async () => {
    upstream.behave('alone', waitedFor(hangs));
    const response = await doors.post('/v1/chat/completions', ask('alone'));
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_timeout' } });
    expect((await doors.outcomes(idOf(response), 1))[0]).toMatchObject({ status: 'TIMEOUT' });
  });

  test('what is wrong with the request is said in the words of the provider, and blamed on no model', async () => {
    const fault = {
      error: { message: 'temperature must be at most 2', type: 'invalid_request_error', param: 'temperature' },
    };
    upstream.behave('first', fails(400, {}, fault));
    const calls = upstream.received.length;
    const response = await doors.post('/v1/chat/completions', ask('auto', { ...allowed('first'), temperature: 9 }));
    expect([response.status, await response.json()]).toEqual([400, fault]);
    expect(upstream.received).toHaveLength(calls + 1);
    expect((await doors.outcomes(idOf(response), 1))[0]).toMatchObject({ status: 'CANCELLED', quality: null });
  });
});

describe('after the first token', () => {
  const stream = (model: string) => ask(model, { stream: true });
  test.each([
    ['hangs', waitedFor(half('hangs', ['half an '])), 'TIMEOUT', 'upstream_timeout'],
    ['closes', half('closes', ['half an ']), 'FAILURE', 'upstream_failed'],
    ['ends without its end', says(chunk('first', 'half an '), sse), 'FAILURE', 'upstream_failed'],
    ['sends garbage', says(`${chunk('first', 'half an ')}data: {{{\n\n`, sse), 'FAILURE', 'upstream_failed'],
    [
      'sends an error',
      says(`${chunk('first', 'half an ')}data: {"error":{"type":"server_error","message":"m"}}\n\n`, sse),
      'FAILURE',
      'upstream_failed',
    ],
  ] as const)('a provider that %s makes an error in the stream', async (_what, behaviour, status, code) => {
    upstream.behave('first', behaviour);
    const openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
    let text = '';
    let id = '';
    const read = async (): Promise<void> => {
      for await (const one of await openai.chat.completions.create(
        stream('first') as never as { stream: true; model: string; messages: [] },
      )) {
        id = one.id;
        text += one.choices[0]?.delta.content ?? '';
      }
    };
    const error = await read().catch((refused: unknown) => refused);
    expect(text).toBe('half an ');
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code });
    expect((await doors.outcomes(id, 1))[0]).toMatchObject({ status, costUsd: null });
  });

  test('a caller that goes away ends the call of the provider, which is reported as cancelled', async () => {
    upstream.behave('first', half('hangs', ['a', 'b']));
    const leaving = new AbortController();
    const response = await doors.post('/v1/chat/completions', stream('first'), {}, leaving.signal);
    const id = idOf(response);
    await response.body!.getReader().read();
    leaving.abort();
    expect(await upstream.callsOf('first').at(-1)!.closed).toBe('aborted');
    expect((await doors.outcomes(id, 1))[0]).toMatchObject({ status: 'CANCELLED', quality: null });
  });

  test('a caller that goes away before anything came ends the call, too', async () => {
    upstream.behave('second', good());
    upstream.behave('single', hangs);
    const calls = upstream.callsOf('single').length;
    const leaving = new AbortController();
    const asked = doors.post('/v1/chat/completions', ask('single'), {}, leaving.signal).catch(() => 'gone');
    await until(doors.clock, 'it is called', () => upstream.callsOf('single').length > calls, patienceMs, 5);
    leaving.abort();
    expect(await asked).toBe('gone');
    expect(await upstream.callsOf('single').at(-1)!.closed).toBe('aborted');
  });

  test('a slow reader slows the provider down instead of filling the memory', async () => {
    const pieces = 1_500;
    let written = 0;
    upstream.behave('first', async (response, { body }) => {
      response.writeHead(200, sse);
      const words = 'word '.repeat(4_000);
      for (; written < pieces; written++)
        if (!response.write(chunk(body.model, words))) await new Promise((resolve) => response.once('drain', resolve));
      response.end(`${chunk(body.model, '', 'stop')}data: [DONE]\n\n`);
    });
    const response = await doors.post('/v1/chat/completions', stream('first'));
    const reader = response.body!.getReader();
    await reader.read();
    // Nothing more is read until the provider has stopped: its writes have filled what lies between.
    let seen = -1;
    const waits = (): boolean => {
      const before = seen;
      seen = written;
      return written > 0 && before === written;
    };
    await until(doors.clock, 'the provider waits', waits, patienceMs, 300);
    expect(written).toBeLessThan(pieces / 2);
    let bytes = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length;
    expect(written).toBe(pieces);
    expect(bytes).toBeGreaterThan(pieces * 19_000);
    expect((await doors.outcomes(idOf(response), 1))[0]).toMatchObject({ status: 'SUCCESS' });
  });
});

describe('what a provider says', () => {
  test('goes to the caller as it came but for the id, and nothing of ours goes to the provider', async () => {
    const odd = {
      logprobs: [-0.1234567890123456],
      choices: completion('first').choices,
      system_fingerprint: 'fp "id"',
    };
    upstream.behave('first', good(odd));
    const body = ask('first', {
      seed: 7,
      unknown_field: { a: [1] },
      n: 1,
      logprobs: true,
      user: 'u',
      ...allowed('first'),
    });
    const response = await doors.post('/v1/chat/completions', body, { authorization: 'Bearer of-the-caller' });
    const { quantum_router: ours, id, ...rest } = (await response.json()) as Record<string, unknown>;
    const { id: _id, ...sent } = completion('first', 'fine', odd);
    expect(rest).toEqual(sent);
    expect(ours).toMatchObject({ decisionId: id, model: 'first', answeredBy: 'first' });
    const got = upstream.callsOf('first').at(-1)!;
    const { quantum_router: _router, ...passed } = body;
    expect(got.body).toEqual(passed);
    expect(got.path).toBe('/v1/chat/completions');
    expect(got.headers.authorization).toBeUndefined();
  });

  test('another model than was asked is noticed, and that one is billed', async () => {
    const costOf = async (answering: string) => {
      upstream.behave('first', good({ model: answering }));
      const response = await doors.post('/v1/chat/completions', ask('first'));
      await response.text();
      const [outcome] = await doors.outcomes(idOf(response), 1);
      return [outcome!.costUsd, response.headers.get('x-quantum-cost-usd')];
    };
    const costUsd = (100 * 1 + 10 * 10) / 1e6;
    expect(await costOf('first')).toEqual([costUsd, String(costUsd)]);
    expect(await costOf('first-2025-01-01')).toEqual([costUsd, String(costUsd)]);
    expect(await costOf('somebody-else')).toEqual([null, null]);
    expect(doors.logged.join('\n')).toMatch(/another model answered/);
  });

  test('as many calls as a provider takes are made at once; one more goes elsewhere', async () => {
    let release: () => void = () => {};
    upstream.behave('single', async (response, received) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await good()(response, received);
    });
    const calls = upstream.callsOf('single').length;
    const held = doors.post('/v1/chat/completions', ask('single'));
    await until(doors.clock, 'it is called', () => upstream.callsOf('single').length > calls, patienceMs, 5);
    const refused = await doors.post('/v1/chat/completions', ask('single'));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    release();
    expect((await held).status).toBe(200);
    expect(upstream.callsOf('single')).toHaveLength(calls + 1);
  });
});
