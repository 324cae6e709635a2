/** Tenants have ids of their own: nobody can see, block or claim what another tenant has named. */
import fc from 'fast-check';
import { hasOwnIds, innerId, outerId, owns, tenantOf } from '../../../../services/gateway/access/tenant-ids';
import { decisionOf } from '../start-gateway';
import { bearer, startKeyedGateway } from '../start-keyed-gateway';

const caller = (tenantId: string | null) => ({ role: 'caller' as const, tenantId });
const tenant = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const anyId = fc.string({ minLength: 1, maxLength: 120, unit: 'grapheme-ascii' });

test('no id of one tenant is ever that of another, whatever both write, and each reads his own back', () => {
  fc.assert(
    fc.property(tenant, tenant, anyId, anyId, (one, other, a, b) => {
      const inner = innerId(caller(one), 'id', a);
      expect(outerId(caller(one), inner)).toBe(a);
      if (one !== other) expect(innerId(caller(other), 'id', b)).not.toBe(inner);
      if (one === other && a !== b) expect(innerId(caller(other), 'id', b)).not.toBe(inner);
      // Whoever has no tenant cannot write such an id either.
      expect(() => innerId(caller(null), 'id', inner)).toThrow('must not begin with "@"');
    }),
    { numRuns: 500 },
  );
});

test('an id that is too long with its tenant is refused with what would fit', () => {
  expect(() => innerId(caller('acme'), 'requestId', 'x'.repeat(200))).toThrow('at most 194 characters');
  expect(innerId(caller('acme'), 'requestId', 'x'.repeat(194))).toHaveLength(200);
});

test('who looks after the installation writes ids as they are; all others see what is theirs', () => {
  expect(innerId({ role: 'admin', tenantId: null }, 'id', '@acme/a')).toBe('@acme/a');
  expect(owns({ role: 'operator', tenantId: null }, { tenantId: 'acme' })).toBe(true);
  expect(owns(caller(null), { tenantId: 'acme' })).toBe(false);
  expect(owns(caller('acme'), { tenantId: null })).toBe(false);
  expect(owns({ role: null, tenantId: null }, { tenantId: 'acme' })).toBe(false);
  expect([hasOwnIds(caller('acme')), hasOwnIds(caller(null))]).toEqual([true, false]);
});

test('the tenant is that of the key, whatever the request says', () => {
  expect(tenantOf(caller('acme'), null, 'f')).toBe('acme');
  expect(tenantOf(caller('acme'), 'acme', 'f')).toBe('acme');
  expect(() => tenantOf(caller('acme'), 'other', 'f')).toThrow('f: the tenant is that of who asks ("acme")');
  expect(() => tenantOf(caller(null), 'other', 'f')).toThrow('(none)');
  expect(tenantOf({ role: 'admin', tenantId: null }, 'other', 'f')).toBe('other');
});

test('two tenants with the same request id have a decision each, and neither sees that there is another', async () => {
  const started = await startKeyedGateway();
  const acme = bearer((await started.key({ tenantId: 'acme' })).secret);
  const other = bearer((await started.key({ tenantId: 'other' })).secret);
  const route = (prompt: string, headers: Record<string, string>) =>
    started.call('POST', '/v1/route', { requestId: 'r', sessionId: 's', prompt }, headers);
  const [mine, theirs] = [await route('mine', acme), await route('theirs', other)];
  expect([mine.status, theirs.status]).toEqual([200, 200]);
  expect(mine.body).toMatchObject({
    requestId: 'r',
    decisionId: 'r',
    sessionId: 's',
    routingKey: 's',
    tenantId: 'acme',
  });
  expect(theirs.body).toMatchObject({ requestId: 'r', decisionId: 'r', sessionId: 's', tenantId: 'other' });
  // Sessions have budgets, so they are apart as well.
  expect(started.requests().map(({ requestId, sessionId, tenantId }) => [requestId, sessionId, tenantId])).toEqual([
    ['@acme/r', '@acme/s', 'acme'],
    ['@other/r', '@other/s', 'other'],
  ]);
  // The same again is the same decision, and other content under the same id a conflict that names what was sent.
  expect((await route('mine', acme)).body.tenantId).toBe('acme');
  const conflict = await route('something else', acme);
  expect(conflict.body.error.message).toBe('requestId: "r" was used for a request with other content; use another id');
  expect(started.requests()).toHaveLength(2);
  await started.stop();
});

test('a decision of another tenant is not to be seen: by its id, by its name in the log, or by its session', async () => {
  const started = await startKeyedGateway();
  const acme = bearer((await started.key({ tenantId: 'acme' })).secret);
  await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'p' }, acme);
  const see = async (path: string, headers: Record<string, string>) =>
    (await started.call('GET', `/v1/decisions/${path}`, undefined, headers)).status;
  expect(await see('r', acme)).toBe(200);
  const others = [
    await started.key({ tenantId: 'other' }),
    await started.key(),
    await started.key({ role: 'viewer' }),
    await started.key({ role: 'viewer', tenantId: 'acm' }),
  ];
  for (const { secret } of others)
    for (const path of ['r', '%40acme%2Fr', '..%2Facme%2Fr', 'r?routingKey=r', '%40acme%2Fr?routingKey=%40acme%2Fr'])
      expect([path, [400, 404].includes(await see(path, bearer(secret)))]).toEqual([path, true]);
  // Whoever looks after it all sees it by its name in the log.
  const operator = await started.key({ role: 'operator' });
  expect(await see('%40acme%2Fr', bearer(operator.secret))).toBe(200);
  await started.stop();
});

test('nobody without a tenant sees, or reports on, what was asked on behalf of one', async () => {
  const started = await startKeyedGateway();
  await started.call(
    'POST',
    '/v1/route',
    { requestId: 'r', tenantId: 'acme', prompt: 'p' },
    bearer(started.admin.secret),
  );
  const { secret } = await started.key();
  expect((await started.call('GET', '/v1/decisions/r', undefined, bearer(secret))).status).toBe(404);
  const feedback = await started.call('POST', '/v1/feedback', { decisionId: 'r', quality: 1 }, bearer(secret));
  expect(feedback.status).toBe(404);
  // Not found at all: whose it is cannot be said, so it is not taken either, with or without a model.
  const blind = { decisionId: 'long-ago', model: 'large', quality: 1 };
  expect((await started.call('POST', '/v1/feedback', blind, bearer(secret))).status).toBe(404);
  expect(started.outcomes()).toEqual([]);
  await started.stop();
});

test('feedback is taken for decisions of the same tenant alone', async () => {
  const started = await startKeyedGateway();
  const acme = bearer((await started.key({ tenantId: 'acme' })).secret);
  const other = bearer((await started.key({ tenantId: 'other' })).secret);
  await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'p' }, acme);
  for (const decisionId of ['r', '@acme/r']) {
    const refused = await started.call('POST', '/v1/feedback', { decisionId, quality: 0 }, other);
    expect([refused.status, refused.body.error.field]).toEqual([404, 'decisionId']);
    expect(refused.body.error.message).toBe(`decisionId: there is no decision ${JSON.stringify(decisionId)}`);
  }
  expect(started.outcomes()).toEqual([]);
  const taken = await started.call('POST', '/v1/feedback', { decisionId: 'r', quality: 1 }, acme);
  expect([taken.status, taken.body.decisionId]).toEqual([202, 'r']);
  expect(started.outcomes()).toMatchObject([{ decisionId: '@acme/r', quality: 1 }]);
  await started.stop();
});

test('the source of feedback is that of the key', async () => {
  const started = await startKeyedGateway();
  const plain = bearer((await started.key({ name: 'shop', tenantId: 'acme' })).secret);
  const judge = bearer((await started.key({ name: 'j', tenantId: 'acme', sources: ['judge', 'thumbs'] })).secret);
  const report = async (requestId: string, headers: Record<string, string>, source?: string) => {
    await started.call('POST', '/v1/route', { requestId, prompt: 'p' }, headers);
    const said = { decisionId: requestId, quality: 1, ...(source && { source }) };
    return (await started.call('POST', '/v1/feedback', said, headers)).status;
  };
  expect(await report('a', plain)).toBe(202);
  expect(await report('b', plain, 'judge')).toBe(403);
  expect(await report('c', plain, 'call')).toBe(403);
  expect(await report('d', judge)).toBe(202);
  expect(await report('e', judge, 'thumbs')).toBe(202);
  expect(started.outcomes().map(({ source }) => source)).toEqual(['shop', 'judge', 'thumbs']);
  await started.stop();
});

test('a key for some models routes to these alone, and lists no others', async () => {
  const started = await startKeyedGateway();
  const small = bearer((await started.key({ models: ['small'], presets: ['cheap'] })).secret);
  const route = (body: object) => started.call('POST', '/v1/route', { prompt: 'p', ...body }, small);
  await route({ requestId: 'a' });
  await route({ requestId: 'b', limits: { allowedModels: ['large', 'small'] } });
  expect(started.requests().map(({ limits }) => limits.allowedModels)).toEqual([['small'], ['small']]);
  const refused = await route({ requestId: 'c', limits: { allowedModels: ['large'] } });
  expect([refused.status, refused.body.error.field]).toEqual([403, 'limits.allowedModels']);
  const { body } = await started.call('GET', '/v1/models', undefined, small);
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['auto/cheap', 'small']);
  expect(body.models).toHaveLength(1);
  expect((await started.call('GET', '/v1/models/large', undefined, small)).status).toBe(404);
  await started.stop();
});

test('a key for some routes is for these alone', async () => {
  const started = await startKeyedGateway();
  const { secret } = await started.key({ routes: ['/v1/route'] });
  expect((await started.call('POST', '/v1/route', { prompt: 'p' }, bearer(secret))).status).toBe(200);
  expect((await started.call('GET', '/v1/models', undefined, bearer(secret))).status).toBe(403);
  await started.stop();
});

test('a decision from before there was a hash is given to its own tenant alone', async () => {
  // As older releases wrote it: nothing tells whether it is of the same content.
  const started = await startKeyedGateway({
    answer: (request) => [{ ...decisionOf(request), tenantId: 'acme', contentHash: null }],
  });
  const { secret } = await started.key();
  const asked = await started.call('POST', '/v1/route', { requestId: 'r', prompt: 'p' }, bearer(secret));
  expect([asked.status, asked.body.error?.field]).toEqual([409, 'requestId']);
  await started.stop();
});
