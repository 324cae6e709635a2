/** Keys of an issuer whose endpoint does as it likes: a real server that misbehaves on purpose, and a clock of the test's own. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createIssuerKeys, type IssuerKeysParts } from '../../../../services/gateway/access/issuer-keys';
import { atEnd } from '../../../started';

type Answer = (response: ServerResponse) => void;
const minuteMs = 60_000;

async function makeKey(kid: string | null) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk: JWK = { ...(await exportJWK(publicKey)), alg: 'ES256', ...(kid !== null && { kid }) };
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', ...(kid !== null && { kid }) })
    .sign(privateKey);
  return { jwk, token };
}
const publishes =
  (...keys: JWK[]): Answer =>
  (response) =>
    response.end(JSON.stringify({ keys }));

async function start(first: Answer, given: Partial<IssuerKeysParts> = {}) {
  let answer = first;
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => new Promise((resolve) => server.close(() => resolve(undefined)).closeAllConnections()));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = createVirtualClock();
  const keys = createIssuerKeys({ issuer, jwksUri: issuer, clock, cooldownMs: 30_000, timeoutMs: 5_000, ...given });
  return {
    ...{ clock, asked: () => asked },
    /** Lets the time pass that is waited for an answer, once the server has been asked so often. */
    async passTime(times: number, waitedMs: number): Promise<void> {
      while (asked < times) await new Promise((resolve) => setImmediate(resolve));
      await clock.advanceBy(waitedMs);
    },
    now(next: Answer): void {
      answer = next;
    },
    /** Whether a token is taken, or why not. */
    check: (token: string) =>
      jwtVerify(token, keys).then(
        () => 'taken',
        (error: Error) => error.message,
      ),
  };
}

const misbehaviours: [string, Answer][] = [
  ['does not answer', () => {}],
  ['stops within its answer', (response) => void response.writeHead(200).write('{"keys":')],
  ['breaks off', (response) => void response.destroy()],
  ['fails', (response) => void response.writeHead(500).end('{"keys":[]}')],
  ['leads elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
  ['sends garbage', (response) => void response.end('<html>')],
  ['sends null', (response) => void response.end('null')],
  ['sends no keys', (response) => void response.end('{"keys":"none"}')],
  ['sends more than anybody has', (response) => void response.end(`{"keys":[],"x":"${'x'.repeat(1_100_000)}"}`)],
];

test.each(misbehaviours)(
  'an issuer that %s is asked once in a while, and found again when it has come to itself',
  async (_what, bad) => {
    const key = await makeKey('a');
    const { check, now, clock, asked, passTime } = await start(bad);
    const checking = Promise.all(Array.from({ length: 20 }, () => check(key.token)));
    await passTime(1, 4_999);
    const later = check(key.token);
    await clock.advanceBy(1);
    const checks = [...(await checking), await later];
    expect(asked()).toBe(1);
    expect(checks).toEqual(checks.map(() => expect.not.stringMatching(/^taken$|no applicable key/)));
    now(publishes(key.jwk));
    expect(await check(key.token)).toBe('taken');
    // And once more, now that keys are known.
    now(bad);
    await clock.advanceBy(10 * minuteMs);
    const first = check(key.token);
    await passTime(3, 500);
    expect(await first).toBe('taken');
    for (let times = 0; times < 5; times++) expect(await check(key.token)).toBe('taken');
    expect(asked()).toBe(3);
  },
);

test('a key that is withdrawn is refused after ten minutes, and after an hour where the issuer is away', async () => {
  const [key, next] = [await makeKey('a'), await makeKey('b')];
  const { check, now, clock } = await start(publishes(key.jwk));
  expect(await check(key.token)).toBe('taken');
  now((response) => void response.writeHead(503).end());
  await clock.advanceBy(59 * minuteMs);
  expect(await check(key.token)).toBe('taken');
  await clock.advanceBy(minuteMs);
  expect(await check(key.token)).toBe('answered 503');
  now(publishes(key.jwk));
  await clock.advanceBy(minuteMs);
  expect(await check(key.token)).toBe('taken');
  now(publishes(next.jwk));
  await clock.advanceBy(9 * minuteMs);
  expect(await check(key.token)).toBe('taken');
  await clock.advanceBy(minuteMs);
  expect(await check(key.token)).toMatch(/no applicable key/);
});

test('tokens with keys that nobody knows have an issuer asked no more often, also where it fails', async () => {
  const [key, next] = [await makeKey('a'), await makeKey('b')];
  const { check, now, clock, asked } = await start(publishes(key.jwk));
  expect(await check(key.token)).toBe('taken');
  now((response) => void response.writeHead(500).end());
  await clock.advanceBy(30_000);
  for (let times = 0; times < 20; times++) expect(await check(next.token)).toMatch(/no applicable key/);
  expect(asked()).toBe(2);
  now(publishes(key.jwk, next.jwk));
  await clock.advanceBy(30_000);
  expect([await check(next.token), await check(key.token)]).toEqual(['taken', 'taken']);
});
