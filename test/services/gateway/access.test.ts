/** Who may use which route, by which credential, and what anybody else hears. */
import { request } from 'node:http';
import { type Role, roles } from '../../../lib/access/roles';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { createLog, type Log } from '../../../lib/telemetry/log';
import { mustCover } from '../../../services/gateway/access/check-access';
import { startGateway, testConfig } from './start-gateway';
import { bearer, startKeyedGateway } from './start-keyed-gateway';

/** Said once more than in the table itself: whoever opens a route to a role says so here, too. */
const allowed: Readonly<Record<string, readonly Role[]>> = {
  'POST /v1/chat/completions': ['caller', 'operator', 'admin'],
  'POST /v1/messages': ['caller', 'operator', 'admin'],
  'POST /v1/messages/count_tokens': ['caller', 'operator', 'admin'],
  'POST /v1/responses': ['caller', 'operator', 'admin'],
  'GET /v1/responses/{id}': ['caller', 'operator', 'admin'],
  'DELETE /v1/responses/{id}': ['caller', 'operator', 'admin'],
  'POST /v1/responses/{id}/cancel': ['caller', 'operator', 'admin'],
  'GET /v1/responses/{id}/input_items': ['caller', 'operator', 'admin'],
  'POST /v1/embeddings': ['caller', 'operator', 'admin'],
  'POST /v1/route': ['caller', 'operator', 'admin'],
  'POST /v1/quantum/route': ['caller', 'operator', 'admin'],
  'POST /v1/feedback': ['caller', 'operator', 'admin'],
  'GET /v1/decisions/{id}': ['caller', 'viewer', 'operator', 'admin'],
  'GET /v1/decisions/{id}/answer': ['viewer', 'operator', 'admin'],
  'GET /v1/models': ['caller', 'viewer', 'operator', 'admin'],
  'GET /v1/models/{id}': ['caller', 'viewer', 'operator', 'admin'],
  'GET /v1/weights': ['viewer', 'operator', 'admin'],
  'GET /v1/weights/{policySha256}': ['viewer', 'operator', 'admin'],
  'GET /v1/config': ['viewer', 'operator', 'admin'],
  'POST /v1/config/check': ['viewer', 'operator', 'admin'],
  'GET /v1/learning/policy': ['viewer', 'operator', 'admin'],
  'POST /v1/config/replay': ['viewer', 'operator', 'admin'],
  'GET /v1/config/history': ['viewer', 'operator', 'admin'],
  'GET /v1/config/history/{version}': ['viewer', 'operator', 'admin'],
  'GET /v1/config/diff': ['viewer', 'operator', 'admin'],
  'GET /v1/experiments': ['viewer', 'operator', 'admin'],
  'GET /v1/experiments/{name}': ['viewer', 'operator', 'admin'],
  'GET /v1/budgets': ['viewer', 'operator', 'admin'],
  'GET /v1/alerts': ['viewer', 'operator', 'admin'],
  'POST /v1/alerts/silences': ['operator', 'admin'],
  'GET /v1/analytics': ['viewer', 'operator', 'admin'],
  'POST /v1/analytics': ['viewer', 'operator', 'admin'],
  'GET /v1/analytics/counterfactuals': ['viewer', 'operator', 'admin'],
  'GET /v1/decisions/{id}/outcomes': ['viewer', 'operator', 'admin'],
  'GET /v1/decisions/{id}/trace': ['viewer', 'operator', 'admin'],
  'POST /v1/decisions/{id}/recompute': ['viewer', 'operator', 'admin'],
  'GET /v1/live': ['viewer', 'operator', 'admin'],
  'POST /v1/config/rollback': ['operator', 'admin'],
  'POST /v1/experiments': ['operator', 'admin'],
  'GET /v1/shadows': ['viewer', 'operator', 'admin'],
  'POST /v1/shadows': ['operator', 'admin'],
  'GET /metrics': ['viewer', 'operator', 'admin'],
  'POST /v1/weights/promote': ['operator', 'admin'],
  'POST /v1/weights/rollback': ['operator', 'admin'],
  'POST /v1/weights/forget': ['operator', 'admin'],
  'PUT /v1/config': ['operator', 'admin'],
  'GET /v1/me': ['caller', 'viewer', 'operator', 'admin'],
  'GET /v1/keys': ['admin'],
  'POST /v1/keys': ['admin'],
  'POST /v1/keys/{id}/revoke': ['admin'],
  'POST /v1/keys/{id}/rotate': ['admin'],
  'GET /v1/audit': ['admin'],
};
const page = ['GET /', 'GET /dashboard/app.js', 'GET /dashboard/app.css'];
const open = ['GET /health', 'GET /ready', 'GET /openapi.json', ...page];
/** What a viewer of one tenant may see. */
const ofTenants = [
  ...['GET /v1/decisions/{id}', 'GET /v1/decisions/{id}/answer', 'GET /v1/models', 'GET /v1/models/{id}'],
  'GET /v1/me',
];

type Keyed = Awaited<ReturnType<typeof startKeyedGateway>>;

async function routesOf(started: Keyed): Promise<string[]> {
  const { body } = await started.call('GET', '/openapi.json');
  return Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

/** Nothing that a route would do: its body is none, nor are its parameters. */
function ask(started: Keyed, route: string, headers: Record<string, string>) {
  const [method, path] = route.split(' ') as [string, string];
  const body = method === 'GET' ? undefined : { nothing: 'of the kind' };
  const parameters = method === 'GET' ? '?kinds=none' : '';
  return started.call(method, path.replace(/\{\w+\}/, 'some-id') + parameters, body, headers);
}

test('every route with every role: allowed is what is listed, and nothing else', async () => {
  const started = await startKeyedGateway();
  const routes = await routesOf(started);
  expect([...routes].sort()).toEqual([...Object.keys(allowed), ...open].sort());
  const refused: string[] = [];
  const expected: string[] = [];
  for (const role of roles) {
    const { secret } = await started.key({ role });
    for (const route of routes) {
      const { status } = await ask(started, route, bearer(secret));
      if (status === 403) refused.push(`${role} ${route}`);
      else expect([route, status]).not.toEqual([route, 401]);
      if (!open.includes(route) && !allowed[route]!.includes(role)) expected.push(`${role} ${route}`);
    }
  }
  expect(refused).toEqual(expected);
  await started.stop();
});

test('no route but the open ones answers without a credential, or with a wrong one', async () => {
  const started = await startKeyedGateway();
  const wrong = [
    {},
    bearer('qr_0123456789ab_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    bearer('sk-something'),
    { 'x-api-key': `${started.admin.secret}a` },
    { authorization: started.admin.secret },
    { authorization: `Basic ${started.admin.secret}` },
  ];
  for (const route of await routesOf(started))
    for (const headers of wrong) {
      const { status, headers: answered } = await ask(started, route, headers as Record<string, string>);
      expect([route, status === 401]).toEqual([route, !open.includes(route)]);
      if (status === 401) expect(answered.get('www-authenticate')).toBe('Bearer');
    }
  await started.stop();
});

test('whoever is bound to a tenant sees nothing of the whole installation', async () => {
  const started = await startKeyedGateway();
  const { secret } = await started.key({ role: 'viewer', tenantId: 'acme' });
  for (const route of await routesOf(started)) {
    const { status } = await ask(started, route, bearer(secret));
    expect([route, status !== 403]).toEqual([route, open.includes(route) || ofTenants.includes(route)]);
  }
  const health = await started.call('GET', '/health', undefined, bearer(secret));
  expect(health.body).toEqual({ status: 'ok' });
  await started.stop();
});

interface Told {
  readonly name: string;
  readonly roles: readonly string[];
  readonly refusal: string | null;
}

test('a key is told who it is, and of every operation whether it may use it', async () => {
  const started = await startKeyedGateway();
  const routes = await routesOf(started);
  for (const role of roles) {
    const { secret, key } = await started.key({ role });
    const { status, body, headers } = await started.call('GET', '/v1/me', undefined, bearer(secret));
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      ...{ who: `key ${key.keyId} (k)`, isAnonymous: false, role, tenantId: null, limit: null },
      scopes: { models: null, presets: null, routes: null, sources: ['k'] },
    });
    const told: Told[] = body.operations;
    expect(told.map(({ name }) => name).sort()).toEqual([...routes].sort());
    for (const { name, refusal, roles: taking } of told) {
      const mayUse = open.includes(name) ? [...roles] : allowed[name]!;
      expect([name, refusal === null, taking]).toEqual([name, mayUse.includes(role), mayUse]);
    }
  }
  await started.stop();
});

test('what a key is told holds for its tenant and its routes; one for other routes alone may ask all the same', async () => {
  const started = await startKeyedGateway();
  const scopes = { routes: ['/v1/models'], models: ['cheap'] };
  const narrow = await started.key({ role: 'viewer', tenantId: 'acme', requestsPerMinute: 60, ...scopes });
  const { body } = await started.call('GET', '/v1/me', undefined, bearer(narrow.secret));
  expect(body).toMatchObject({ tenantId: 'acme', scopes, limit: { requestsPerMinute: 60, burst: 60 } });
  const told: Told[] = body.operations;
  expect(told.filter(({ refusal }) => refusal === null).map(({ name }) => name)).toEqual([
    'GET /v1/models',
    'GET /v1/me',
    ...['GET /', 'GET /dashboard/app.js', 'GET /dashboard/app.css', 'GET /health', 'GET /ready', 'GET /openapi.json'],
  ]);
  // In the words that the routes themselves refuse with.
  for (const name of ['GET /v1/config', 'GET /v1/models/{id}', 'PUT /v1/config']) {
    const refused = await ask(started, name, bearer(narrow.secret));
    expect([refused.status, refused.body.error.message]).toEqual([403, told.find((one) => one.name === name)?.refusal]);
  }
  await started.stop();
});

test('a route that nobody has decided on does not start, nor an entry that no route has', () => {
  expect(() => mustCover([{ method: 'GET', path: '/v1/secrets' }])).toThrow('GET /v1/secrets has no entry');
  expect(() => mustCover([{ method: 'GET', path: '/health' }])).toThrow('entries that no route has');
});

test('a key is taken in either header, and two different ones are refused', async () => {
  const started = await startKeyedGateway();
  const [one, two] = [await started.key(), await started.key()];
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await started.call('GET', '/v1/models', undefined, headers)).status;
  expect(await statusOf(bearer(one.secret))).toBe(200);
  expect(await statusOf({ 'x-api-key': one.secret })).toBe(200);
  expect(await statusOf({ ...bearer(one.secret), 'x-api-key': one.secret })).toBe(200);
  // Some libraries need something in the other one.
  expect(await statusOf({ ...bearer('unused'), 'x-api-key': one.secret })).toBe(200);
  expect(await statusOf({ ...bearer(one.secret), 'x-api-key': two.secret })).toBe(401);
  await started.stop();
});

test('keys end: revoked at once, expired at their time, by words that only their holder hears', async () => {
  const started = await startKeyedGateway();
  const { key, secret } = await started.key();
  const short = await started.key({ expiresAtMs: started.clock.nowMs() + 10_000 });
  const ask = (of: string) => started.call('GET', '/v1/models', undefined, bearer(of));
  expect([(await ask(secret)).status, (await ask(short.secret)).status]).toEqual([200, 200]);
  await started.desk.revoke(key.keyId, 'test');
  await started.seen();
  expect((await ask(secret)).body.error).toMatchObject({ code: 'unauthenticated', message: 'the key is revoked' });
  const guessed = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
  expect((await ask(guessed)).body.error.message).toBe('the key is not one of this gateway');
  await started.clock.advanceBy(10_000);
  expect((await ask(short.secret)).body.error.message).toBe('the key is expired');
  // Another gateway on the same log, or this one after a restart.
  await started.restart();
  expect((await started.call('GET', '/v1/models', undefined, bearer(secret))).status).toBe(401);
  await started.stop();
});

test('401 and 403 have the form of the API that was called', async () => {
  const started = await startKeyedGateway();
  const { secret } = await started.key({ role: 'viewer' });
  const both = async (path: string) => [
    (await started.call('POST', path, {})).body,
    (await started.call('POST', path, {}, bearer(secret))).body,
  ];
  expect(await both('/v1/chat/completions')).toMatchObject([
    { error: { type: 'invalid_request_error', code: 'invalid_api_key', param: null } },
    { error: { type: 'permission_error', code: 'forbidden' } },
  ]);
  expect(await both('/v1/messages')).toMatchObject([
    { type: 'error', error: { type: 'authentication_error' } },
    { type: 'error', error: { type: 'permission_error' } },
  ]);
  expect(await both('/v1/route')).toMatchObject([
    { error: { code: 'unauthenticated' } },
    { error: { code: 'forbidden' } },
  ]);
  await started.stop();
});

test('keys are made, replaced and revoked over HTTP, by admins, and shown once', async () => {
  const started = await startKeyedGateway();
  const { callLater, admin } = started;
  const asAdmin = bearer(admin.secret);
  const made = await callLater('POST', '/v1/keys', { name: 'shop', tenantId: 'shop' }, asAdmin);
  expect(made.status).toBe(201);
  expect(made.headers.get('cache-control')).toBe('no-store');
  expect((await started.call('GET', '/v1/models', undefined, bearer(made.body.secret))).status).toBe(200);
  const { keyId } = made.body.key;
  const rotated = await callLater('POST', `/v1/keys/${keyId}/rotate`, { graceMs: 60_000 }, asAdmin);
  expect(rotated.body.key).toMatchObject({
    replaces: keyId,
    tenantId: 'shop',
    createdBy: `key ${admin.key.keyId} (admin)`,
  });
  const revoked = await callLater('POST', `/v1/keys/${keyId}/revoke`, undefined, asAdmin);
  expect(revoked.body).toMatchObject({ keyId, state: 'revoked' });
  const list = await started.call('GET', '/v1/keys', undefined, asAdmin);
  expect(list.body.keys.map(({ state }: { state: string }) => state)).toEqual(['valid', 'revoked', 'valid']);
  expect(JSON.stringify(list.body)).not.toMatch(/secret|hash/);
  const audit = await started.call('GET', '/v1/audit?limit=3', undefined, asAdmin);
  expect(audit.body.records.map(({ action }: { action: string }) => action)).toEqual([
    'keys.revoke',
    'keys.rotate',
    'keys.create',
  ]);
  expect(audit.body.records[0]).toMatchObject({
    who: `key ${admin.key.keyId} (admin)`,
    before: { state: 'valid' },
    after: { state: 'revoked' },
  });
  for (const [path, body, status, field] of [
    ['/v1/keys', { name: 'x', role: 'god' }, 400, 'role'],
    ['/v1/keys', { name: 'x', role: 'admin', tenantId: 't' }, 400, 'tenantId'],
    ['/v1/keys/nonsense/revoke', undefined, 400, 'id'],
    ['/v1/keys/0123456789ab/revoke', undefined, 404, 'id'],
    [`/v1/keys/${keyId}/rotate`, {}, 409, 'id'],
    [`/v1/keys/${keyId}/rotate`, { graceMs: -1 }, 400, 'graceMs'],
  ] as const) {
    const refused = await started.call('POST', path, body, asAdmin);
    expect([path, refused.status, refused.body.error.field]).toEqual([path, status, field]);
  }
  await started.stop();
});

describe('without a key', () => {
  test('everything is open where only this machine reaches the port, until there is a key: and that must be an admin', async () => {
    const lines: string[] = [];
    const log: Log = { ...createLog({ level: 'silent' }), info: (message) => void lines.push(message) };
    const started = await startGateway({ log });
    expect(lines).toContainEqual(expect.stringContaining('nobody needs a key here'));
    expect((await started.call('GET', '/v1/keys')).status).toBe(200);
    const locked = await started.call('POST', '/v1/keys', { name: 'first' });
    expect([locked.status, locked.body.error.field]).toEqual([409, 'role']);
    const made = started.call('POST', '/v1/keys', { name: 'first', role: 'admin' });
    await started.until(() => started.broker.records('access.keys').length > 0);
    await started.clock.advanceBy(50);
    const { secret, key } = (await made).body;
    expect((await started.call('GET', '/v1/keys')).status).toBe(401);
    const revoked = started.call('POST', `/v1/keys/${key.keyId}/revoke`, undefined, bearer(secret));
    await started.until(() => started.broker.records('access.keys').length > 1);
    await started.clock.advanceBy(50);
    expect((await revoked).status).toBe(200);
    // Whoever has revoked his last key has not asked for open doors.
    expect((await started.call('GET', '/v1/keys')).status).toBe(401);
    await started.stop();
  });

  test.each(['0.0.0.0', '::'])('nothing is open at %s unless it was asked for by name, which is said', async (host) => {
    const warned: unknown[] = [];
    const log: Log = { ...createLog({ level: 'silent' }), warn: (_message, fields) => void warned.push(fields) };
    const closed = await startGateway({ settings: { host }, log });
    const at = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await at(closed.gateway.port, '/v1/models')).status).toBe(401);
    expect((await at(closed.gateway.port, '/health')).status).toBe(200);
    expect(warned).toEqual([]);
    await closed.stop();
    const opened = await startGateway({ settings: { host, anonymous: 'viewer' }, log });
    expect((await at(opened.gateway.port, '/v1/models')).status).toBe(200);
    expect((await at(opened.gateway.port, '/v1/keys')).status).toBe(403);
    expect(warned).toEqual([{ url: opened.gateway.url, role: 'viewer' }]);
    await opened.stop();
  });

  test('never is never, on this machine too', async () => {
    const started = await startGateway({ settings: { anonymous: 'never' } });
    expect((await started.call('GET', '/v1/models')).status).toBe(401);
    await started.stop();
  });

  test('an issuer in the configuration ends it as a key does', async () => {
    const issuer = { issuer: 'https://id.example.com', audience: 'router', defaultRole: 'viewer' as const };
    const config = defaultRouterConfig([...testConfig.models], { access: { issuers: { corp: issuer } } as never });
    const started = await startGateway({ config });
    expect((await started.call('GET', '/v1/models')).status).toBe(401);
    await started.stop();
  });

  test('a page of elsewhere in a browser on this machine may not use it: by its origin, or by a name that leads here', async () => {
    const started = await startGateway();
    const ask = (headers: Record<string, string>) => rawGet(started.gateway.port, headers);
    expect(await ask({ host: `127.0.0.1:${started.gateway.port}` })).toBe(200);
    expect(await ask({ host: 'localhost:80' })).toBe(200);
    expect(await ask({ host: '[::1]:80' })).toBe(200);
    expect(await ask({ host: 'evil.example.com' })).toBe(403);
    expect(await ask({ host: '127.0.0.1.evil.example.com:80' })).toBe(403);
    expect(await ask({ host: 'localhost:80', origin: 'https://evil.example.com' })).toBe(403);
    expect(await ask({ host: 'localhost:80', origin: 'null' })).toBe(403);
    expect(await ask({ host: 'localhost:80', origin: 'http://localhost:80' })).toBe(200);
    await started.stop();
  });

  test('a placeholder in place of a key does no harm, but what claims to be one of ours is one', async () => {
    const started = await startGateway();
    const statusOf = async (secret: string): Promise<number> =>
      (await started.call('GET', '/v1/models', undefined, bearer(secret))).status;
    expect(await statusOf('unused')).toBe(200);
    expect(await statusOf('qr_nothing')).toBe(401);
    await started.stop();
  });
});

function rawGet(port: number, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/v1/models', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
