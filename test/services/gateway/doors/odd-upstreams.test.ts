/** Providers whose answers are right, but not as those of most: what is only unusual arrives whole and is no failure. */
import { createOpenAI } from '@ai-sdk/openai';
import { streamText } from 'ai';
import OpenAI from 'openai';
import {
  type Behaviour,
  chunk,
  completion,
  fails,
  good,
  json,
  says,
  sse,
  startMisbehaving,
} from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

type Upstream = Awaited<ReturnType<typeof startMisbehaving>>;
type Doors = Awaited<ReturnType<typeof startDoors>>;
let upstream: Upstream;
let doors: Doors;
let openai: OpenAI;

/** One for each test, so that none learns of another's. */
const names = Array.from({ length: 48 }, (_, index) => `odd-${index}`);

beforeAll(async () => {
  upstream = await startMisbehaving();
  const provider = { kind: 'openai' as const, baseUrl: upstream.url };
  doors = await startDoors(
    orderedConfig(
      [
        ...names.map((name) => ({ name, provider: 'odd', expectedQuality: 0.9 })),
        { name: 'spare', provider: 'spare', expectedQuality: 0.2 },
        { name: 'chat-alone', provider: 'chat-alone', expectedQuality: 0.2 },
        { name: 'terse', provider: 'terse', expectedQuality: 0.2 },
      ],
      {
        odd: provider,
        spare: provider,
        terse: provider,
        'chat-alone': { ...provider, apis: ['chat'] },
      },
    ),
  );
  openai = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

function behavingInChatAlone(behaviour: Behaviour): string {
  upstream.behave('chat-alone', behaviour);
  return 'chat-alone';
}

let used = 0;
function behaving(...list: Behaviour[]): string {
  const model = names[used++]!;
  upstream.behave(model, ...list);
  return model;
}
const messages = [{ role: 'user' as const, content: 'Say something.' }];
const idOf = (response: Response): string => response.headers.get('x-quantum-decision-id')!;

async function streamed(model: string): Promise<{ text: string; id: string }> {
  let text = '';
  let id = '';
  for await (const one of await openai.chat.completions.create({ model, messages, stream: true })) {
    id = one.id;
    text += one.choices[0]?.delta.content ?? '';
  }
  return { text, id };
}

const odd = 'Grüße: 5 € – 😀, "quoted"\\';
const done = 'data: [DONE]\n\n';

describe('the bytes of a stream', () => {
  const whole = `${chunk('odd', odd)}${chunk('odd', '', 'stop')}${done}`;
  test.each([
    ['line feeds', whole],
    ['carriage returns before them', whole.replaceAll('\n', '\r\n')],
    ['carriage returns alone', whole.replaceAll('\n', '\r')],
    ['a mark of byte order in front', `\ufeff${whole}`],
    ['no space behind the colon', whole.replaceAll('data: ', 'data:')],
    ['ids and times to wait', whole.replaceAll('data: ', 'id: 7\nretry: 100\ndata: ')],
    ['one event over several lines', whole.replaceAll(',"created"', ',\ndata: "created"')],
  ])('come one by one, with %s', async (_what, text) => {
    const model = behaving(async (response) => {
      response.writeHead(200, sse);
      response.socket!.setNoDelay(true);
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const { text: said, id } = await streamed(model);
    expect(said).toBe(odd);
    expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', finishReason: 'stop' }]);
  });

  test('an answer that comes byte by byte is whole', async () => {
    const model = behaving(async (response, { body }) => {
      response.writeHead(200, json);
      for (const byte of Buffer.from(JSON.stringify(completion(body.model, odd)))) {
        response.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const { choices } = await openai.chat.completions.create({ model, messages });
    expect(choices[0]!.message.content).toBe(odd);
  });

  test('the last event counts without an empty line behind it', async () => {
    const model = behaving(says(whole.trimEnd(), sse));
    const response = await doors.post('/v1/chat/completions', { model, messages, stream: true });
    const text = await response.text();
    expect(text).toMatch(/: quantum_router \{.*\}\n\ndata: \[DONE\]\n\n$/);
    expect(await doors.outcomes(idOf(response), 1)).toMatchObject([{ status: 'SUCCESS' }]);
  });
});

const messageEvents = [
  [
    'message_start',
    { message: { id: 'msg_up', model: 'odd', content: [], usage: { input_tokens: 5, output_tokens: 1 } } },
  ],
  ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'fine' } }],
  ['content_block_stop', { index: 0 }],
  ['message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }],
  ['message_stop', {}],
] as const;
const response = { id: 'resp_up', model: 'odd', status: 'completed', output: [] };
const responseEvents = [
  ['response.created', { response: { ...response, status: 'in_progress' } }],
  ['response.output_text.delta', { delta: 'fine' }],
  ['response.completed', { response }],
] as const;
const named = (events: readonly (readonly [string, object])[]): string =>
  events.map(([type, more]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`).join('');

describe('a stream that has said that it is through', () => {
  const complete = {
    '/v1/chat/completions': `${chunk('odd', 'fine')}${chunk('odd', '', 'stop')}${done}`,
    '/v1/messages': named(messageEvents),
    '/v1/responses': named(responseEvents),
  };
  const asked = {
    '/v1/chat/completions': { messages },
    '/v1/messages': { messages, max_tokens: 10 },
    '/v1/responses': { input: 'Say.' },
  };
  const paths = Object.keys(complete) as (keyof typeof complete)[];
  test.each(
    paths.flatMap(
      (path) =>
        [
          [path, 'stays open'],
          [path, 'breaks off'],
          [path, 'says more'],
        ] as const,
    ),
  )('%s is over though the connection %s', async (path, then) => {
    const model = behaving((answer) => {
      answer.writeHead(200, sse).write(complete[path]);
      if (then === 'breaks off') setImmediate(() => answer.destroy());
      if (then === 'says more') answer.end('data: {"error":{"type":"too_late"}}\n\n');
    });
    const answer = await anthropicToo.post(path, { model, stream: true, ...asked[path] });
    const text = await answer.text();
    expect(text).not.toMatch(/error/);
    expect(text).toMatch(/fine/);
    expect(await anthropicToo.outcomes(idOf(answer), 1)).toMatchObject([{ status: 'SUCCESS' }]);
  });

  let anthropicToo: Doors;
  beforeAll(async () => {
    anthropicToo = await startDoors(
      orderedConfig(
        names.map((name) => ({ name, provider: 'all' })),
        { all: { kind: 'openai', baseUrl: upstream.url, apis: ['chat', 'messages', 'responses'] } },
      ),
    );
  });
  afterAll(() => anthropicToo.stop());
});

describe('tool calls in a stream', () => {
  const tools = ['weather', 'time'].map((name) => ({
    type: 'function' as const,
    function: { name, parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } } },
  }));
  const delta = (choice: number, call: object): string =>
    `data: ${JSON.stringify({ id: 'up', model: 'odd', choices: [{ index: choice, delta: { tool_calls: [call] }, finish_reason: null }] })}\n\n`;
  const ends = (choice: number): string =>
    `data: ${JSON.stringify({ id: 'up', model: 'odd', choices: [{ index: choice, delta: {}, finish_reason: 'tool_calls' }] })}\n\n`;
  const piece = (choice: number, index: number, args: string, more: object = {}): string =>
    delta(choice, { index, function: { arguments: args, ...more } });

  test.each([
    [
      'of two choices at once',
      [
        piece(0, 0, '', { name: 'weather' }),
        piece(1, 0, '', { name: 'time' }),
        piece(0, 0, '{"city":'),
        piece(1, 0, '{"city":'),
        piece(0, 0, '"Rome"}'),
        piece(1, 0, '"Oslo"}'),
        ends(0),
        ends(1),
      ],
    ],
    [
      'with their names in every piece',
      [
        piece(0, 0, '{"city":', { name: 'weather' }),
        piece(0, 0, '"Rome"}', { name: 'weather' }),
        piece(0, 1, '{"city":"Oslo"}', { name: 'time' }),
        ends(0),
      ],
    ],
    [
      'that take turns',
      [
        piece(0, 0, '{"city":', { name: 'weather' }),
        piece(0, 1, '{"city":', { name: 'time' }),
        piece(0, 0, '"Rome"}'),
        piece(0, 1, '"Oslo"}'),
        ends(0),
      ],
    ],
    ['whose places begin with one', [piece(0, 1, '{"city":', { name: 'weather' }), piece(0, 1, '"Rome"}'), ends(0)]],
  ])('%s are each put together and checked', async (_what, pieces) => {
    const model = behaving(says([...pieces, done].join(''), sse));
    const answer = await doors.post('/v1/chat/completions', { model, messages, stream: true, n: 2, tools });
    await answer.text();
    const [outcome] = await doors.outcomes(idOf(answer), 1);
    expect(outcome!.rewardParts).toEqual({ 'mechanical:tools': 1 });
  });
});

describe('a model that thinks aloud', () => {
  test.each(['reasoning_content', 'reasoning'])(
    'in the word %s has begun to answer, however long it thinks',
    async (word) => {
      const thought = `data: ${JSON.stringify({ id: 'upstream-id', model: 'odd', choices: [{ index: 0, delta: { [word]: 'Hm. ' }, finish_reason: null }] })}\n\n`;
      let thinkOn = (): void => {};
      const shown = new Promise<void>((resolve) => {
        thinkOn = resolve;
      });
      const model = behaving(async (answer) => {
        answer.writeHead(200, sse).write(thought);
        await shown;
        // More than is held of a stream before its first token.
        for (let bytes = 0; bytes < 300_000; bytes += thought.length) answer.write(thought);
        answer.end(`${chunk('odd', 'fine')}${chunk('odd', '', 'stop')}${done}`);
      });
      let text = '';
      let id = '';
      for await (const one of await openai.chat.completions.create({ model, messages, stream: true })) {
        // The first thought is here before the provider goes on.
        thinkOn();
        id = one.id;
        text += one.choices[0]?.delta.content ?? '';
      }
      expect(text).toBe('fine');
      expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', attempt: 1 }]);
    },
  );
});

test.each([
  ['/v1/messages', { messages, max_tokens: 9 }, /message_start/],
  ['/v1/responses', { input: 'Say.' }, /response\.created/],
] as const)('a model that thinks aloud before it answers %s is shown to be at work', async (path, asked, begins) => {
  let goOn = (): void => {};
  const shown = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const thought = `data: ${JSON.stringify({ id: 'up', model: 'odd', choices: [{ index: 0, delta: { reasoning_content: 'Hm.' } }] })}\n\n`;
  // Of the two APIs neither is its own.
  const model = behavingInChatAlone(async (answer) => {
    answer.writeHead(200, sse).write(thought + thought);
    await shown;
    answer.end(`${chunk('odd', 'fine')}${chunk('odd', '', 'stop')}${done}`);
  });
  const answer = await doors.post(path, { model, stream: true, ...asked });
  goOn();
  const text = await answer.text();
  expect(text).toMatch(begins);
  expect(text).toMatch(/: waiting\n\n.*fine/s);
  expect(text).not.toMatch(/Hm/);
});

test('a session in the metadata costs no call, be the provider OpenAI, which takes it with kept answers alone, or Anthropic', async () => {
  const said = { error: { message: "The 'metadata' parameter is only allowed when 'store' is enabled." } };
  const model = behaving((answer, received) =>
    received.body.metadata && !received.body.store ? fails(400, {}, said)(answer, received) : good()(answer, received),
  );
  const body = { model, messages, metadata: { session_id: 'a-session' }, max_tokens: 5 };
  for (const [more, metadata] of [
    [{}, undefined],
    [{}, undefined],
    [{ store: true }, { session_id: 'a-session' }],
  ] as const) {
    expect((await doors.post('/v1/chat/completions', { ...body, ...more })).status).toBe(200);
    expect(upstream.callsOf(model).at(-1)!.body).toMatchObject({ max_tokens: 5 });
    expect(upstream.callsOf(model).at(-1)!.body.metadata).toEqual(metadata);
  }
  expect(upstream.callsOf(model)).toHaveLength(4);
});

test('words that say nothing of the answer, and the newer role of instructions, are left to those who know them', async () => {
  const detail = (field: string) => ({
    detail: [{ type: 'extra_forbidden', loc: ['body', field], msg: 'Extra inputs' }],
  });
  const role =
    'messages[0]: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1';
  const model = behaving((answer, received) => {
    const { body } = received;
    if (body.messages[0].role === 'developer') return fails(400, {}, { error: { message: role } })(answer, received);
    const extra = ['user', 'store', 'prompt_cache_key'].find((field) => field in body);
    return extra ? fails(422, {}, detail(extra))(answer, received) : good()(answer, received);
  });
  const turns = [{ role: 'developer', content: 'Be brief.' }, ...messages];
  const body = { model, messages: turns, user: 'u1', store: false, prompt_cache_key: 'k' };
  for (const calls of [5, 6]) {
    expect((await doors.post('/v1/chat/completions', body)).status).toBe(200);
    expect(upstream.callsOf(model)).toHaveLength(calls);
    expect(upstream.callsOf(model).at(-1)!.body).toEqual({
      ...{ model, messages: [{ role: 'system', content: 'Be brief.' }, ...messages] },
    });
  }
  // Nobody is to believe that an answer is kept.
  expect((await doors.post('/v1/chat/completions', { ...body, store: true })).status).toBe(422);
});

describe('the word for the most tokens of an answer', () => {
  const unsupported = {
    error: {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      ...{ type: 'invalid_request_error', param: 'max_tokens', code: 'unsupported_parameter' },
    },
  };
  const extra = {
    message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'max_completion_tokens'], msg: 'Extra inputs' }] },
  };
  test.each([
    ['max_tokens', 'max_completion_tokens', unsupported],
    ['max_completion_tokens', 'max_tokens', extra],
  ])('%s that a model does not know is said as %s, and later at once', async (refused, known, said) => {
    const model = behaving((answer, received) =>
      refused in received.body ? fails(400, {}, said)(answer, received) : good()(answer, received),
    );
    for (const [stream, calls] of [
      [false, 2],
      [true, 3],
    ] as const) {
      const answer = await doors.post('/v1/chat/completions', { model, messages, stream, [refused]: 7 });
      expect(answer.status).toBe(200);
      await answer.text();
      expect(upstream.callsOf(model)).toHaveLength(calls);
      expect(upstream.callsOf(model).at(-1)!.body).toMatchObject({ [known]: 7 });
      expect(await doors.outcomes(idOf(answer), 1)).toMatchObject([{ status: 'SUCCESS', attempt: 1 }]);
    }
  });

  test.each([
    ['a value that is too large', { error: { message: 'max_tokens is too large: 99999.', param: 'max_tokens' } }, 1],
    ['both words', unsupported, 2],
  ])('refused for %s the caller hears of what it has sent', async (_what, said, calls) => {
    const model = behaving(fails(400, {}, said));
    const answer = await doors.post('/v1/chat/completions', { model, messages, max_tokens: 7 });
    expect([answer.status, await answer.json()]).toEqual([400, said]);
    expect(upstream.callsOf(model)).toHaveLength(calls);
  });
});

test('what a model has thought in earlier turns is left out for one that refuses it, and only for that one', async () => {
  const said = { error: { message: "Additional properties are not allowed ('reasoning_content' was unexpected)" } };
  const refuses: Behaviour = (answer, received) =>
    received.text.includes('reasoning_content') ? fails(400, {}, said)(answer, received) : good()(answer, received);
  const [strict, lenient] = [behaving(refuses), behaving(good())];
  const thought = { role: 'assistant', content: 'Hm.', reasoning_content: 'I think.' };
  for (const calls of [2, 3]) {
    const body = { model: strict, messages: [...messages, thought, ...messages], max_tokens: 5 };
    expect((await doors.post('/v1/chat/completions', body)).status).toBe(200);
    expect(upstream.callsOf(strict)).toHaveLength(calls);
  }
  const sent = upstream.callsOf(strict).at(-1)!.body;
  expect(sent).toMatchObject({ max_tokens: 5, messages: [{}, { role: 'assistant', content: 'Hm.' }, {}] });
  await doors.post('/v1/chat/completions', { model: lenient, messages: [...messages, thought] });
  expect(upstream.callsOf(lenient)[0]!.body.messages[1]).toEqual(thought);
});

test('how much is to be thought is left out for a model that does not know it, unless the caller says it in these words', async () => {
  const said = { error: { message: "Unsupported parameter: 'reasoning_effort' is not supported with this model." } };
  const refuses: Behaviour = (answer, received) =>
    received.body.reasoning_effort === undefined ? good()(answer, received) : fails(400, {}, said)(answer, received);
  const model = behaving(refuses);
  const thinking = { type: 'enabled', budget_tokens: 10_000 };
  for (const calls of [2, 3]) {
    const answer = await doors.post('/v1/messages', { model, messages, max_tokens: 16_000, thinking });
    expect([answer.status, answer.headers.get('x-quantum-adapted')]).toEqual([200, 'thinking']);
    expect(upstream.callsOf(model)).toHaveLength(calls);
  }
  expect(upstream.callsOf(model)[0]!.body.reasoning_effort).toBe('medium');
  const own = await doors.post('/v1/chat/completions', { model, messages, reasoning_effort: 'low' });
  expect([own.status, await own.json()]).toEqual([400, said]);
});

test('the AI SDK takes an end without usage that came through chat, and nobody is told that it cost nothing', async () => {
  const uncounted = says(`${chunk('odd', 'fine')}${chunk('odd', '', 'stop')}${done}`, sse);
  const provider = createOpenAI({ baseURL: `${doors.url}/v1`, apiKey: 'none' });
  const { textStream, finishReason, response } = streamText({
    model: provider(behavingInChatAlone(uncounted)),
    ...{ prompt: 'Say.', maxRetries: 0 },
  });
  let text = '';
  for await (const piece of textStream) text += piece;
  expect([text, await finishReason]).toEqual(['fine', 'stop']);
  const id = (await response).headers!['x-quantum-decision-id']!;
  expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', inputTokens: null, costUsd: null }]);
});

describe('what a provider says of itself', () => {
  test('one that knows no stream_options gets none: only the caller who asks for usage hears of it', async () => {
    const refuses: Behaviour = (answer, received) => {
      if (received.body.stream_options === undefined) return good()(answer, received);
      const message = 'Extra inputs are not permitted: body.stream_options';
      return fails(422, {}, { error: { message } })(answer, received);
    };
    const model = 'terse';
    upstream.behave(model, refuses);
    for (const calls of [2, 3]) {
      const { text, id } = await streamed(model);
      expect(text).toBe('fine');
      expect(upstream.callsOf(model)).toHaveLength(calls);
      expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', attempt: 1 }]);
    }
    const wants = { model, messages, stream: true, stream_options: { include_usage: true } };
    expect((await doors.post('/v1/chat/completions', wants)).status).toBe(422);
  });

  test('a caller whose own stream_options are refused changes nothing for others', async () => {
    const model = behaving((answer, received) =>
      received.body.stream_options.odd === undefined
        ? good()(answer, received)
        : fails(400, {}, { error: { message: 'Unknown parameter: stream_options.odd' } })(answer, received),
    );
    const body = { model, messages, stream: true, stream_options: { odd: 1 } };
    expect((await doors.post('/v1/chat/completions', body)).status).toBe(400);
    const { id } = await streamed(model);
    expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS', inputTokens: 100 }]);
  });

  test.each([
    ['as a date', () => ({ 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() })],
    ['as the older date', () => ({ 'retry-after': oldDate(Date.now() + 3_600_000) })],
    ['in milliseconds', () => ({ 'retry-after-ms': '3600000' })],
    ['twice', () => ({ 'retry-after': ['5', '3600'] })],
  ])('Retry-After %s is understood', async (_what, headers) => {
    const model = behaving((answer, received) => fails(429, headers() as never)(answer, received));
    const answer = await doors.post('/v1/chat/completions', { model, messages });
    expect(answer.status).toBe(429);
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(3_000);
    expect(seconds).toBeLessThanOrEqual(3_601);
  });

  test.each([
    ['whose error is a text', 'data: {"error":"out of memory"}\n\n'],
    ['whose event is named so', 'event: error\ndata: {"message":"out of memory"}\n\n'],
  ])('an error event %s is a failure, before the first token and behind it', async (_what, text) => {
    const before = behaving(says(text, sse));
    const ask = { messages, stream: true };
    const passedOver = await doors.post('/v1/chat/completions', {
      ...ask,
      model: 'auto',
      quantum_router: { limits: { allowedModels: [before, 'spare'] } },
    });
    await passedOver.text();
    expect((await doors.outcomes(idOf(passedOver), 2)).map(({ status }) => status)).toEqual(['FAILURE', 'SUCCESS']);
    const behind = behaving(says(`${chunk('odd', 'half')}${text}`, sse));
    const broken = await doors.post('/v1/chat/completions', { ...ask, model: behind });
    expect(await broken.text()).toMatch(/upstream_failed/);
    expect(await doors.outcomes(idOf(broken), 1)).toMatchObject([{ status: 'FAILURE' }]);
  });
});

/** As RFC 850 has it, which is still to be understood. */
function oldDate(ms: number): string {
  const date = new Date(ms);
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+) GMT$/.exec(date.toUTCString())!;
  const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(date);
  return `${weekday}, ${day}-${month}-${year!.slice(2)} ${time} GMT`;
}

test('numbers that no double can hold reach the provider as they were written', async () => {
  const model = behaving(good());
  const body = `{"model":"${model}", "seed": 12345678901234567890, "temperature": 1.0,"messages":[{"role":"user","content":"Say."}],"quantum_router":{"taskHint":"x"}, "top_p":0.30}`;
  const answer = await fetch(`${doors.url}/v1/chat/completions`, { method: 'POST', headers: json, body });
  expect(answer.status).toBe(200);
  const raw = upstream.callsOf(model)[0]!.text;
  expect(raw).toContain('12345678901234567890');
  expect(raw).toContain('"temperature": 1.0');
  expect(raw).not.toContain('quantum_router');
});
