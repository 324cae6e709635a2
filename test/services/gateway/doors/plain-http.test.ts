/** The doors by the bytes of HTTP/1.1: what client libraries, proxies and old programs send, and what comes back on the same connection. */
import { createConnection, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { until } from '../../../../checks/chaos/until';
import { patienceMs } from '../../../patience';
import { type Behaviour, chunk, completion, good, hangs, json, sse, startMisbehaving } from './misbehaving-upstream';
import { orderedConfig, startDoors } from './start-doors';

type Upstream = Awaited<ReturnType<typeof startMisbehaving>>;
type Doors = Awaited<ReturnType<typeof startDoors>>;
let upstream: Upstream;
let doors: Doors;

const names = Array.from({ length: 12 }, (_, index) => `plain-${index}`);

beforeAll(async () => {
  upstream = await startMisbehaving();
  doors = await startDoors(
    orderedConfig(
      names.map((name) => ({ name, provider: 'plain' })),
      { plain: { kind: 'openai', baseUrl: upstream.url } },
    ),
  );
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

let used = 0;
function behaving(...list: Behaviour[]): string {
  const model = names[used++]!;
  upstream.behave(model, ...list);
  return model;
}
const messages = [{ role: 'user', content: 'Say something.' }];

interface Said {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One connection, over which any bytes can be sent. */
function connected() {
  const { port } = new URL(doors.url);
  const socket: Socket = createConnection(Number(port), '127.0.0.1');
  let held = Buffer.alloc(0);
  let isClosed = false;
  let wake = (): void => {};
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  const more = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (isClosed) reject(new Error(`closed behind ${held.toString().slice(0, 300)}`));
      wake = resolve;
    });
  const upTo = async (mark: string): Promise<string> => {
    while (!held.includes(mark)) await more();
    const end = held.indexOf(mark) + mark.length;
    const text = held.subarray(0, end).toString();
    held = held.subarray(end);
    return text;
  };
  const exactly = async (length: number): Promise<string> => {
    while (held.length < length) await more();
    const text = held.subarray(0, length).toString();
    held = held.subarray(length);
    return text;
  };
  return {
    socket,
    /** Resolves with the first bytes of an answer. */
    heard: async (): Promise<void> => {
      while (held.length === 0) await more();
    },
    send(...bytes: (string | Buffer)[]): void {
      for (const some of bytes) socket.write(some);
    },
    /** The next answer; `isBare`: of HEAD, which has no body whatever its headers say. */
    async answer(isBare = false): Promise<Said> {
      const [first, ...lines] = (await upTo('\r\n\r\n')).trimEnd().split('\r\n');
      const headers = new Map(
        lines.map((line): [string, string] => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      );
      const status = Number(first!.split(' ')[1]);
      let body = '';
      if (isBare || status === 204 || status < 200) return { status, headers, body };
      if (headers.get('transfer-encoding') === 'chunked') {
        for (;;) {
          const size = Number.parseInt(await upTo('\r\n'), 16);
          body += (await exactly(size + 2)).slice(0, -2);
          if (size === 0) break;
        }
      } else body = await exactly(Number(headers.get('content-length') ?? 0));
      return { status, headers, body };
    },
  };
}

function request(model: string, { path = '/v1/chat/completions', lines = [] as string[], more = {} } = {}): string {
  const body = JSON.stringify({ model, messages, ...more });
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Content-Length: ${body.length}`];
  return `${[...head, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

test.each([
  ['a slash at the end', { path: '/v1/chat/completions/' }],
  ['a query', { path: '/v1/chat/completions?api-version=2024-10-21' }],
  ['the whole address, as to a proxy', { path: 'http://anybody.example/v1/chat/completions' }],
  ['two of the same header', { lines: ['X-Quantum-Task: one', 'X-Quantum-Task: two', 'Accept: a', 'Accept: b'] }],
  ['a charset', { lines: ['Accept: */*', 'Accept-Charset: utf-8'] }],
])('%s is no hindrance', async (_what, how) => {
  const connection = connected();
  connection.send(request('plain-11', how));
  const { status, body } = await connection.answer();
  expect([status, JSON.parse(body).choices?.[0]?.message.content]).toEqual([200, 'fine']);
  connection.socket.destroy();
});

test('one connection serves call after call, with errors and other methods between them', async () => {
  const connection = connected();
  const ask = async (bytes: string, isBare = false): Promise<number> => {
    connection.send(bytes);
    return (await connection.answer(isBare)).status;
  };
  const bare = (line: string): string => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const malformed =
    'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{"a';
  expect(await ask(request('plain-11'))).toBe(200);
  expect(await ask(request('nobody'))).toBe(404);
  expect(await ask(malformed)).toBe(400);
  expect(await ask(bare('HEAD /v1/models'), true)).toBe(200);
  expect(await ask(bare('OPTIONS /v1/chat/completions'))).toBe(204);
  expect(await ask(bare('GET /v1/chat/completions'))).toBe(405);
  expect(await ask(bare('HEAD /v1/chat/completions'), true)).toBe(405);
  expect(await ask(bare('DELETE /v1/messages'))).toBe(405);
  expect(await ask(request('plain-11', { path: '/v1/nowhere' }))).toBe(404);
  expect(await ask(request('plain-11', { more: { stream: true } }))).toBe(200);
  expect(await ask(request('plain-11'))).toBe(200);
  connection.socket.destroy();
});

test('calls that are sent at once are answered in their order, though the second is faster', async () => {
  let release = (): void => {};
  const slow = behaving(async (response, received) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await good({ id: 'slow' })(response, received);
  });
  const connection = connected();
  connection.send(request(slow) + request('plain-11', { more: { stream: true } }) + request('nobody'));
  await until(doors.clock, 'both are called', () => upstream.callsOf(slow).length === 1, patienceMs, 5);
  release();
  const first = await connection.answer();
  expect([first.status, first.headers.get('x-quantum-model')]).toEqual([200, slow]);
  const second = await connection.answer();
  expect(second.body).toMatch(/data: \[DONE\]/);
  expect((await connection.answer()).status).toBe(404);
  connection.socket.destroy();
});

test('a body is held back until it is asked for, where its sender expects that', async () => {
  const connection = connected();
  const whole = request('plain-11', { lines: ['Expect: 100-continue'] });
  const border = whole.indexOf('\r\n\r\n') + 4;
  connection.send(whole.slice(0, border));
  expect((await connection.answer()).status).toBe(100);
  connection.send(whole.slice(border));
  expect((await connection.answer()).status).toBe(200);
  connection.send(request('plain-11', { lines: ['Expect: a miracle'] }));
  expect((await connection.answer()).status).toBe(417);
  connection.socket.destroy();
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
] as const)('a body in %s is what it stands for', async (encoding, compress) => {
  const body = compress(JSON.stringify({ model: 'plain-11', messages, seed: 7 }));
  const headers = { ...json, 'content-encoding': encoding };
  const response = await fetch(`${doors.url}/v1/chat/completions`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  expect(upstream.callsOf('plain-11').at(-1)!.body).toMatchObject({ seed: 7 });
  expect(upstream.callsOf('plain-11').at(-1)!.headers['content-encoding']).toBeUndefined();
});

test('a body in pieces, cut within a character, arrives whole', async () => {
  const connection = connected();
  const body = Buffer.from(JSON.stringify({ model: 'plain-11', messages: [{ role: 'user', content: 'Grüße 😀' }] }));
  connection.send(
    'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  for (const byte of body) connection.send('1\r\n', Buffer.from([byte]), '\r\n');
  connection.send('0\r\n\r\n');
  expect((await connection.answer()).status).toBe(200);
  expect(upstream.callsOf('plain-11').at(-1)!.body.messages).toEqual([{ role: 'user', content: 'Grüße 😀' }]);
  connection.socket.destroy();
});

describe('a caller that goes away', () => {
  const served = async (): Promise<void> => {
    const response = await doors.post('/v1/chat/completions', { model: 'plain-11', messages });
    expect(response.status).toBe(200);
  };
  const heldBytes = async (): Promise<string | undefined> =>
    /^quantum_router_http_body_bytes (\d+)/m.exec(await (await doors.get('/metrics')).text())?.[1];

  test('in the middle of its body is forgotten, with what it has sent', async () => {
    const connection = connected();
    connection.send(request('plain-11').slice(0, -5));
    const other = connected();
    other.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await other.answer();
    connection.socket.destroy();
    other.socket.destroy();
    await until(doors.clock, 'nothing is held', async () => (await heldBytes()) === '0', patienceMs, 20);
    await served();
  });

  test('before the model has answered ends the call', async () => {
    const model = behaving(hangs);
    const connection = connected();
    connection.send(request(model));
    await until(doors.clock, 'it is called', () => upstream.callsOf(model).length === 1, patienceMs, 5);
    connection.socket.destroy();
    expect(await upstream.callsOf(model)[0]!.closed).toBe('aborted');
    await served();
  });

  test('between two tokens ends the call', async () => {
    const model = behaving((response, { body }) => {
      response.writeHead(200, sse).write(chunk(body.model, 'half'));
    });
    const connection = connected();
    connection.send(request(model, { more: { stream: true } }));
    await until(doors.clock, 'it is called', () => upstream.callsOf(model).length === 1, patienceMs, 5);
    await connection.heard();
    connection.socket.destroy();
    expect(await upstream.callsOf(model)[0]!.closed).toBe('aborted');
    await served();
  });

  test('while a huge answer is written leaves nothing behind', async () => {
    const model = behaving((response, { body }) =>
      response.writeHead(200, json).end(JSON.stringify(completion(body.model, 'x'.repeat(6_000_000)))),
    );
    const connection = connected();
    connection.send(request(model));
    await connection.heard();
    connection.socket.destroy();
    await until(doors.clock, 'nothing is held', async () => (await heldBytes()) === '0', patienceMs, 20);
    await served();
  });
});

test('a huge answer arrives whole', async () => {
  const model = behaving((response, { body }) =>
    response.writeHead(200, json).end(JSON.stringify(completion(body.model, 'x'.repeat(6_000_000)))),
  );
  const response = await doors.post('/v1/chat/completions', { model, messages });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  expect(choices[0]!.message.content).toHaveLength(6_000_000);
});
