/** Bearer tokens of an issuer with real keys: what is taken, what it means, and what is refused. */
import { SignJWT, UnsecuredJWT } from 'jose';
import { systemClock } from '../../../../lib/adapters/system';
import type { IssuerConfig } from '../../../../lib/config/access-config';
import { defaultRouterConfig } from '../../../../lib/config/parse-config';
import { accessIssues, accessSchema } from '../../../../lib/config/schema/access-schema';
import { idFault } from '../../../../lib/topics/identifiers';
import { createTokenVerifier } from '../../../../services/gateway/access/verify-token';
import { type LocalIssuer, startIssuer } from '../local-issuer';
import { testConfig } from '../start-gateway';
import { bearer, startKeyedGateway } from '../start-keyed-gateway';

let issuer: LocalIssuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.goAway());

function verifierFor(fields: Partial<IssuerConfig> = {}, jwksCooldownMs = 0) {
  const access = accessSchema.parse({
    issuers: {
      corp: {
        issuer: issuer.url,
        audience: 'router',
        roles: { 'llm-users': 'caller', 'llm-ops': 'operator', 'llm-look': 'viewer' },
        tenantClaim: 'org',
        ...fields,
      },
    },
  });
  return createTokenVerifier({ access: () => access, clock: systemClock(), jwksCooldownMs });
}

const user = { sub: 'alice', roles: ['llm-users'], org: 'acme' };

test('a token is taken for what the configuration says its claims mean', async () => {
  const verifier = verifierFor();
  expect(verifier.isConfigured()).toBe(true);
  expect(await verifier.verify(await issuer.sign(user))).toEqual({
    ...{ who: 'corp/alice', role: 'caller', tenantId: 'acme' },
    sources: ['corp/alice'],
  });
  // Of several roles the one with the most rights; who looks after all has no tenant.
  const ops = await verifier.verify(await issuer.sign({ ...user, roles: ['llm-users', 'llm-ops', 'other'] }));
  expect(ops).toMatchObject({ role: 'operator', tenantId: null });
});

test('every subject has a name of its own that a record can hold, whatever its issuer calls it', async () => {
  const verifier = verifierFor();
  const long = 'x'.repeat(158);
  const subjects = ['a\nb', 'a\u0000b', '\ud800', `${long}😀😀`, `${long}yy`, `${long}yz`, 'y'.repeat(1_000)];
  const names = await Promise.all(
    subjects.map(async (sub) => (await verifier.verify(await issuer.sign({ ...user, sub }))).who),
  );
  expect(new Set(names).size).toBe(subjects.length);
  expect(names.map(idFault)).toEqual(subjects.map(() => null));
  expect((await verifier.verify(await issuer.sign({ ...user, sub: `${long}y` }))).who).toBe(`corp/${long}y`);
});

test('claims may lie deep, have dots in their names, or be words in one text', async () => {
  const deep = verifierFor({ roleClaim: 'realm_access.roles' });
  expect(
    await deep.verify(await issuer.sign({ sub: 'a', org: 'acme', realm_access: { roles: ['llm-look'] } })),
  ).toMatchObject({
    role: 'viewer',
  });
  const dotted = verifierFor({ roleClaim: 'https://example.com/roles' });
  expect(
    await dotted.verify(await issuer.sign({ sub: 'a', org: 'acme', 'https://example.com/roles': ['llm-users'] })),
  ).toMatchObject({ role: 'caller' });
  const scope = verifierFor({ roleClaim: 'scope', tenantClaim: null });
  expect(await scope.verify(await issuer.sign({ sub: 'a', scope: 'openid llm-users' }))).toMatchObject({
    ...{ role: 'caller', tenantId: null },
  });
});

test.each([
  ['no role', { ...user, roles: ['nobody'] }, 'gives no role'],
  ['a word that objects know', { ...user, roles: ['constructor', '__proto__'] }, 'gives no role'],
  ['no tenant', { sub: 'a', roles: ['llm-users'] }, 'names no tenant'],
  ['a tenant that can be none', { ...user, org: '../acme' }, 'names no tenant'],
])('%s is 403', async (_what, claims, message) => {
  const verified = verifierFor().verify(await issuer.sign(claims));
  await expect(verified).rejects.toMatchObject({ status: 403, message: expect.stringContaining(message) });
});

test('a token that does not name its key is taken by whichever of its issuer has signed it', async () => {
  const verifier = verifierFor();
  issuer.leaveOutKeyIds();
  const before = await issuer.sign(user);
  await issuer.rotate('ES256', true);
  for (const token of [before, await issuer.sign(user)])
    expect(await verifier.verify(token)).toMatchObject({ who: 'corp/alice' });
  await expect(verifier.verify(await issuer.forge(user))).rejects.toMatchObject({ status: 401 });
});

test('a token is of a person, or of the client that it was given to, and of nobody else', async () => {
  const verifier = verifierFor();
  const { sub: _sub, ...nobody } = user;
  const whoOf = async (claims: object) => (await verifier.verify(await issuer.sign({ ...nobody, ...claims }))).who;
  expect(await whoOf({ client_id: 'batch', azp: 'other' })).toBe('corp/client:batch');
  expect(await whoOf({ azp: 'batch', sub: '' })).toBe('corp/client:batch');
  for (const claims of [{}, { sub: 7 }, { sub: null, client_id: ['x'] }])
    await expect(whoOf(claims)).rejects.toMatchObject({ status: 401, message: expect.stringContaining('claim sub') });
});

test('keys that are exchanged are found, and tokens of the one before are refused', async () => {
  const verifier = verifierFor();
  const before = await issuer.sign(user);
  await verifier.verify(before);
  await issuer.rotate();
  await verifier.verify(await issuer.sign(user));
  await expect(verifier.verify(before)).rejects.toMatchObject({ status: 401 });
});

test('unknown keys are asked for once in a while, and not at every token', async () => {
  const verifier = verifierFor({}, 3_600_000);
  await verifier.verify(await issuer.sign(user));
  const asked = issuer.asked();
  await issuer.rotate();
  for (let i = 0; i < 20; i++) {
    const verified = verifier.verify(await issuer.sign(user));
    await expect(verified).rejects.toMatchObject({ status: 401, message: expect.stringContaining('no such key') });
  }
  expect(issuer.asked()).toBe(asked);
});

test('a token that is over, of another audience, of another issuer, without an end, or forged is 401', async () => {
  const verifier = verifierFor();
  const refused: [string, string][] = [
    [await issuer.sign(user, { expiresIn: '-2m' }), 'it has expired'],
    [await issuer.sign(user, { audience: 'somebody-else' }), 'its claim aud'],
    [await issuer.sign(user, { expiresIn: null }), 'its claim exp'],
    [await issuer.sign({ ...user, iss: 'https://elsewhere.example.com' }), 'issuer is not known'],
    [await issuer.sign({ ...user, nbf: Math.floor(Date.now() / 1_000) + 600 }), 'its claim nbf'],
    [await issuer.forge(user), 'signature is wrong'],
    ['a.b.c', 'it is none'],
  ];
  for (const [token, message] of refused)
    await expect(verifier.verify(token)).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining(message),
    });
});

test('alg none, a shared secret, and an algorithm that is not listed are refused', async () => {
  const verifier = verifierFor();
  const unsecured = new UnsecuredJWT(user).setIssuer(issuer.url).setAudience('router').setExpirationTime('5m').encode();
  // The old trick: the public key, which everybody has, as the secret of a HMAC.
  const shared = await new SignJWT(user)
    .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
    .setIssuer(issuer.url)
    .setAudience('router')
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode('the public key of the issuer'));
  for (const token of [unsecured, shared]) await expect(verifier.verify(token)).rejects.toMatchObject({ status: 401 });
  await issuer.rotate('PS256');
  await expect(verifier.verify(await issuer.sign(user))).rejects.toMatchObject({
    ...{ status: 401, message: expect.stringContaining('algorithm') },
  });
  // No configuration can ask for them either.
  for (const algorithm of ['none', 'HS256'])
    expect(() => verifierFor({ algorithms: [algorithm as 'RS256'] })).toThrow(/algorithms/);
});

test('an issuer whose keys cannot be had is 503, and found again when it is back', async () => {
  const token = await issuer.sign(user);
  const verifier = verifierFor();
  await issuer.goAway();
  await expect(verifier.verify(token)).rejects.toMatchObject({ status: 503 });
});

test('the gateway takes tokens beside keys, and reports under their name', async () => {
  const access = {
    issuers: { corp: { issuer: issuer.url, audience: 'router', roles: { u: 'caller' }, tenantClaim: 'org' } },
  };
  const config = defaultRouterConfig([...testConfig.models], { access: access as never });
  const started = await startKeyedGateway({ config });
  // The clock of the gateway stands in 2023.
  const exp = Math.floor(started.clock.nowMs() / 1_000) + 300;
  const token = await issuer.sign({ sub: 'alice', roles: ['u'], org: 'acme', exp }, { expiresIn: null });
  await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'p' }, bearer(token));
  await started.call('POST', '/v1/feedback', { decisionId: 'r', quality: 1 }, bearer(token));
  expect(started.outcomes()).toMatchObject([{ decisionId: '@acme/r', source: 'corp/alice' }]);
  expect((await started.call('GET', '/v1/keys', undefined, bearer(token))).status).toBe(403);
  expect((await started.call('GET', '/v1/models', undefined, bearer(`${token}x`))).status).toBe(401);
  expect((await started.call('GET', '/v1/models', undefined, bearer(started.admin.secret))).status).toBe(200);
  await started.stop();
});

test.each([
  [{ issuer: 'http://id.example.com', audience: 'r', defaultRole: 'viewer' }, 'https://'],
  [{ issuer: 'https://u:p@id.example.com', audience: 'r', defaultRole: 'viewer' }, 'user or password'],
  [{ issuer: 'https://id.example.com', defaultRole: 'viewer' }, 'audience'],
])('an issuer that cannot be trusted is refused in the configuration: %j', (fields, message) => {
  expect(() => accessSchema.parse({ issuers: { x: fields } })).toThrow(message);
});

test('an issuer that gives nobody a role, or comes twice, is refused with its path', () => {
  const one = { issuer: 'https://id.example.com', audience: 'r' };
  expect(accessIssues({ issuers: { a: one } })).toMatchObject([{ path: ['access', 'issuers', 'a'] }]);
  const two = { ...one, defaultRole: 'viewer' };
  expect(accessIssues({ issuers: { a: two, b: two } })).toMatchObject([{ path: ['access', 'issuers', 'b', 'issuer'] }]);
});
