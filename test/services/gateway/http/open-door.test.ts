import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import type { GatewaySettings } from '../../../../services/gateway/config';
import { openDoor } from '../../../../services/gateway/http/open-door';
import { testLimitMs } from '../../../patience';
import { callHttp, startGateway } from '../start-gateway';

// Time-outs of the socket run on real time, which a busy machine stretches.
const head = (length: number | 'chunked', path = '/v1/route'): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: x',
    'Content-Type: application/json',
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    '\r\n',
  ].join('\r\n');

/** Sends these bytes and holds the rest back; resolves with all that was answered once the other side has closed. */
function held(port: number, ...bytes: (string | Buffer)[]): { socket: Socket; closed: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // What is cut off while we still send is no failure of the test.
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) =>
    socket.once('close', () => resolve(Buffer.concat(chunks).toString())),
  );
  for (const some of bytes) socket.write(some);
  return { socket, closed };
}

/** As under a debugger, or on a machine that gives the process nothing. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

const start = (settings: Partial<GatewaySettings>) => startGateway({ settings: { timeoutCheckMs: 20, ...settings } });

test('headers and bodies that do not come in time are answered 408 and closed', async () => {
  const started = await start({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
  const { port } = started.gateway;
  const answers = await Promise.all([
    held(port, 'POST /v1/route HTTP/1.1\r\nHost: x\r\n').closed,
    held(port, head(1_000), '{"prompt":').closed,
    held(port, head('chunked'), '9\r\n{"prompt"\r\n').closed,
  ]);
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 .*"code":"request_timeout"/s);
  await started.stop();
});

test('what has come while the process stood still is answered, not called late', async () => {
  // Doubled where a busy machine takes longer over what comes before the stall than a request may.
  for (let timeoutMs = 200; ; timeoutMs *= 2) {
    const started = await start({ headersTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs });
    const startMs = performance.now();
    const { socket, closed } = held(started.gateway.port, head(14));
    // Others are answered behind it, so its headers have been read.
    for (let calls = 0; calls < 2; calls++) await started.call('GET', '/health');
    const isInTime = performance.now() - startMs < timeoutMs / 2;
    if (isInTime) {
      const answered = new Promise((resolve) => socket.once('data', (bytes: Buffer) => resolve(bytes.toString())));
      socket.write('{"prompt":"a"}');
      standStill(2 * timeoutMs);
      expect(await answered).toMatch(/^HTTP\/1.1 200 /);
    }
    socket.destroy();
    await closed;
    await started.stop();
    if (isInTime) return;
  }
});

test.each([['declared', 60_000] as const, ['chunked', 'chunked'] as const])(
  'more bytes than the gateway may hold are refused, the largest first, and small requests get through (%s)',
  async (_name, length) => {
    const started = await start({ maxBodyBytesInFlight: 100_000 });
    const { port } = started.gateway;
    const framed = (text: string) => (length === 'chunked' ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
    const hoards = Array.from({ length: 4 }, () => held(port, head(length), framed('x'.repeat(50_000))));
    const refused = await Promise.race(hoards.map(({ closed }) => closed));
    expect(refused).toMatch(/^HTTP\/1.1 503 .*"code":"overloaded"/s);
    expect(refused.toLowerCase()).toContain('retry-after: 1');
    expect((await started.call('POST', '/v1/route', { prompt: 'small' })).status).toBe(200);
    const metrics = await started.call('GET', '/metrics');
    const bytes = Number(/^quantum_router_http_body_bytes (\d+)/m.exec(metrics.body)?.[1]);
    expect(bytes).toBeLessThanOrEqual(100_000);
    for (const { socket } of hoards) socket.destroy();
    await Promise.all(hoards.map(({ closed }) => closed));
    await started.stop();
  },
);

test('bytes are given back when their request is over, however it ends', async () => {
  const started = await start({ maxBodyBytesInFlight: 3_000 });
  const prompt = 'x'.repeat(2_000);
  for (let i = 0; i < 5; i++) {
    expect((await started.call('POST', '/v1/route', { prompt })).status).toBe(200);
    expect((await started.call('POST', '/v1/route', { prompt, wrong: 1 })).status).toBe(400);
    expect((await started.call('POST', '/v1/route', `{"prompt":"${prompt}`)).status).toBe(400);
    const { socket, closed } = held(started.gateway.port, head(2_500), prompt);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    await closed;
    const heldBytes = async () =>
      /^quantum_router_http_body_bytes (\d+)/m.exec((await started.call('GET', '/metrics')).body)?.[1];
    // The gateway hears of the end a moment after us.
    while ((await heldBytes()) !== '0');
  }
  await started.stop();
});

test('more connections than the limit are closed at once', async () => {
  const started = await start({ maxConnections: 2 });
  const { port } = started.gateway;
  const open = [held(port), held(port)];
  await Promise.all(open.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))));
  expect(await held(port, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n').closed).toBe('');
  for (const { socket, closed } of open) {
    socket.destroy();
    await closed;
  }
  await started.stop();
});

test('a request that never becomes complete does not hold up the end', async () => {
  const started = await start({ requestTimeoutMs: 300, timeoutCheckMs: 60_000 });
  const { closed } = held(started.gateway.port, head(1_000), '{');
  // Another one is answered, so the first has been seen.
  await started.call('GET', '/health');
  await started.stop();
  await closed;
});

test('a connection that has asked nothing does not hold up the end', async () => {
  const started = await start({ requestTimeoutMs: testLimitMs });
  const { socket, closed } = held(started.gateway.port);
  await new Promise((resolve) => socket.once('connect', resolve));
  // Another one is answered, so the first has been seen.
  await started.call('GET', '/health');
  await started.stop();
  await closed;
});

test('compressed bodies are taken, bombs and unknown encodings are not', async () => {
  const started = await start({});
  const post = async (bytes: Buffer, encoding: string) => {
    const response = await fetch(`${started.gateway.url}/v1/route`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: bytes,
    });
    return {
      status: response.status,
      accepts: response.headers.get('accept-encoding'),
      body: (await response.json()) as unknown,
    };
  };
  expect((await post(gzipSync('{"prompt":"a"}'), 'gzip')).status).toBe(200);
  expect(await post(gzipSync(Buffer.alloc(20_000_000, ' ')), 'gzip')).toMatchObject({ status: 413 });
  expect(await post(Buffer.from('{"prompt":"a"}'), 'gzip')).toMatchObject({
    status: 400,
    body: { error: { code: 'malformed_body' } },
  });
  expect(await post(Buffer.from('{}'), 'constructor')).toMatchObject({ status: 415, accepts: 'gzip, deflate, br' });
  await started.stop();
});

test('bytes that are no UTF-8 are refused; they would make different ids the same', async () => {
  const started = await start({});
  const body = Buffer.from([...Buffer.from('{"prompt":"a","requestId":"'), 0xff, ...Buffer.from('"}')]);
  const response = await fetch(`${started.gateway.url}/v1/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'malformed_body' } }]);
  expect((await started.call('POST', '/v1/route', '\ufeff{"prompt":"a"}')).status).toBe(200);
  await started.stop();
});

test('before the services are there it says so, and a taken port is noticed', async () => {
  const metrics = createMetrics();
  const door = await openDoor({ port: 0 }, metrics);
  expect(await callHttp(door.url, 'GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(await callHttp(door.url, 'GET', '/ready')).toMatchObject({ status: 503, body: { ready: false } });
  const routed = await callHttp(door.url, 'POST', '/v1/route', { prompt: 'a' });
  expect(routed).toMatchObject({ status: 503, body: { error: { code: 'not_ready' } } });
  expect(routed.headers.get('retry-after')).toBe('1');
  await expect(openDoor({ port: door.port }, metrics)).rejects.toThrow(/EADDRINUSE/);
  await door.close();
});
