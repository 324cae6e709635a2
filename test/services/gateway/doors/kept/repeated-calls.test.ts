/** Calls that come again with the key that they came with before. */
import { completion, good, json, startMisbehaving } from '../misbehaving-upstream';
import { orderedConfig, startDoors } from '../start-doors';

let upstream: Awaited<ReturnType<typeof startMisbehaving>>;
let doors: Awaited<ReturnType<typeof startDoors>>;
beforeAll(async () => {
  upstream = await startMisbehaving();
  const models = ['twice', 'left', 'failing', 'stream'].map((name) => ({ name, provider: 'plain' }));
  doors = await startDoors(orderedConfig(models, { plain: { kind: 'openai', baseUrl: upstream.url } }));
});
afterAll(async () => {
  await doors.stop();
  await upstream.stop();
});

const post = (body: object, key: string, more: Record<string, string> = {}, signal?: AbortSignal) =>
  doors.post(
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: 'hi' }], ...body },
    { 'idempotency-key': key, ...more },
    signal,
  );

test('the same content is one call, while it is under way and afterwards; other content is a conflict', async () => {
  const both = await Promise.all([post({ model: 'twice' }, 'k1'), post({ model: 'twice' }, 'k1')]);
  const later = await post({ model: 'twice' }, 'k1');
  const answers = (await Promise.all([...both, later].map((answer) => answer.json()))) as { id: string }[];
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  expect(upstream.callsOf('twice')).toHaveLength(1);
  expect([...both, later].map(({ headers }) => headers.get('x-quantum-decision-id'))).toEqual(
    answers.map(({ id }) => id),
  );
  expect(later.headers.get('x-quantum-repeated')).toBe('true');
  const others = [post({ model: 'twice', n: 1 }, 'k1'), post({ model: 'twice' }, 'k1', { 'x-quantum-user': 'ann' })];
  for (const other of await Promise.all(others))
    expect([other.status, await other.json()]).toMatchObject([409, { error: { param: 'idempotency-key' } }]);
  expect((await post({ model: 'twice' }, 'k2')).headers.has('x-quantum-repeated')).toBe(false);
  expect((await post({ model: 'twice' }, 'x'.repeat(300))).status).toBe(400);
  expect(upstream.callsOf('twice')).toHaveLength(2);
});

test('it goes on when its caller leaves, who comes again for the answer', async () => {
  const leaving = new AbortController();
  const asked = new Promise<() => void>((resolve) => {
    upstream.behave('left', (response) =>
      resolve(() => void response.writeHead(200, json).end(JSON.stringify(completion('left')))),
    );
  });
  const left = post({ model: 'left' }, 'k3', {}, leaving.signal).catch(() => 'left');
  const answer = await asked;
  leaving.abort();
  expect(await left).toBe('left');
  const again = post({ model: 'left' }, 'k3');
  answer();
  const { id } = (await (await again).json()) as { id: string };
  expect(await doors.outcomes(id, 1)).toMatchObject([{ status: 'SUCCESS' }]);
  expect(upstream.callsOf('left')).toHaveLength(1);
});

test('one that failed is made anew, and streams are calls of their own', async () => {
  upstream.behave('failing', (response) => response.writeHead(401, json).end('{"error":{"message":"no"}}'), good());
  expect((await post({ model: 'failing' }, 'k4')).status).toBe(502);
  expect((await post({ model: 'failing' }, 'k4')).status).toBe(200);
  for (let times = 0; times < 2; times++) await (await post({ model: 'stream', stream: true }, 'k5')).text();
  expect(upstream.callsOf('stream')).toHaveLength(2);
});
