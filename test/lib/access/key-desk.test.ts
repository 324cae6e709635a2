/** Keys in the log: what is written, who may undo what, and that every change is accounted for. */
import { createKeyDesk } from '../../../lib/access/key-desk';
import { checkKeyChange, knownKey, stateOf } from '../../../lib/access/known-keys';
import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { readAudit } from '../../../lib/audit/audit-trail';
import type { AccessKeyChange } from '../../../lib/topics/generated/messages';
import { readTable } from '../../../lib/topics/read-table';
import { topics } from '../../../lib/topics/topics';

function start() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const open = (name = 'a') => createKeyDesk({ broker, clock, topicPrefix: '', name });
  const texts = (topic: string): string =>
    broker
      .records(topic)
      .map(({ value }) => value?.toString('latin1') ?? '')
      .join();
  return { clock, broker, desk: open(), open, texts };
}

test('a key is made once, is in no topic, and is known after a restart', async () => {
  const { desk, open, texts, clock } = start();
  const { secret, key } = await desk.create({ name: 'shop', tenantId: 'shop', requestsPerMinute: 60 }, 'test');
  for (const topic of [topics.accessKeys.name, topics.audit.name]) {
    expect(texts(topic).length).toBeGreaterThan(50);
    expect(texts(topic)).not.toContain(secret.slice(-43));
  }
  expect(texts(topics.audit.name)).not.toContain(key.hash.toString('latin1'));
  const listed = await open('another').list();
  expect(listed).toEqual([key]);
  expect(key).toMatchObject({
    name: 'shop',
    role: 'caller',
    tenantId: 'shop',
    sources: ['shop'],
    requestsPerMinute: 60,
  });
  expect(stateOf(key, clock.nowMs())).toBe('valid');
});

test('a key that was revoked stays so: no other change and no clock brings it back', async () => {
  const { desk, open, clock, broker } = start();
  const { key } = await desk.create({ name: 'k' }, 'test');
  // Two desks at once: one of them has not seen yet what the other does.
  const other = open('b');
  await Promise.allSettled([desk.revoke(key.keyId, 'test'), other.rotate(key.keyId, 86_400_000, 'test')]);
  await expect(desk.rotate(key.keyId, 0, 'test')).rejects.toThrow('the key is revoked');
  const rows = await readTable(broker, topics.accessKeys, '');
  expect(stateOf(knownKey(rows, key.keyId)!, clock.nowMs())).toBe('revoked');
  expect(stateOf(knownKey(rows, key.keyId)!, 0)).toBe('revoked');
  // The row of a rotation written behind it, as of a process that was held up.
  const late: AccessKeyChange = {
    ...{ keyId: key.keyId, change: 'REPLACED', atMs: 0, by: 'late', key: null },
    endsAtMs: clock.nowMs() + 1e9,
  };
  expect(stateOf(knownKey(new Map(rows).set(topics.accessKeys.keyOf(late), late), key.keyId)!, clock.nowMs())).toBe(
    'revoked',
  );
  const again = await desk.revoke(key.keyId, 'test');
  expect(again.revokedAtMs).toBe(knownKey(rows, key.keyId)!.revokedAtMs);
});

test('a rotated key may do the same, and the one before ends after the grace', async () => {
  const { desk, clock } = start();
  const first = await desk.create({ name: 'k', models: ['m'], requestsPerMinute: 5, burst: 2 }, 'test');
  const second = await desk.rotate(first.key.keyId, 60_000, 'test');
  expect(second.secret).not.toBe(first.secret);
  expect(second.key).toMatchObject({
    name: 'k',
    models: ['m'],
    requestsPerMinute: 5,
    burst: 2,
    replaces: first.key.keyId,
  });
  const stateOfFirst = async () => stateOf((await desk.list())[0]!, clock.nowMs());
  expect(await stateOfFirst()).toBe('valid');
  await expect(desk.rotate(first.key.keyId, 0, 'test')).rejects.toThrow('in its place already');
  await clock.advanceBy(60_000);
  expect(await stateOfFirst()).toBe('expired');
});

test('a rotation does not make a key last longer than it was to', async () => {
  const { desk, clock } = start();
  const expiresAtMs = clock.nowMs() + 1_000;
  const first = await desk.create({ name: 'k', expiresAtMs }, 'test');
  const second = await desk.rotate(first.key.keyId, 60_000, 'test');
  expect(second.key.endsAtMs).toBe(expiresAtMs);
  await clock.advanceBy(1_000);
  expect((await desk.list()).map((key) => stateOf(key, clock.nowMs()))).toEqual(['expired', 'expired']);
});

test.each([
  [{}, 'name'],
  [{ name: 'k', role: 'god' }, 'role'],
  [{ name: 'k', tenantId: 'a/b' }, 'tenantId'],
  [{ name: 'k', role: 'admin', tenantId: 'shop' }, 'tenantId'],
  [{ name: 'k', expiresAtMs: 1 }, 'expiresAtMs'],
  [{ name: 'k', burst: 3 }, 'burst'],
  [{ name: 'k', models: [] }, 'models'],
  [{ name: 'k', routes: ['/v1/chat/completion'] }, 'routes.0'],
  [{ name: 'call' }, 'sources'],
  [{ name: 'k', sources: ['mechanical'] }, 'sources'],
  [{ name: 'k', sources: ['next-turn'] }, 'sources'],
  [{ name: 'k', sources: ['judge:critic'] }, 'sources'],
  [{ name: 'k', hash: 'mine' }, 'hash'],
])('what no key can be is refused with its field: %j', async (wish, field) => {
  const { desk, broker } = start();
  await expect(desk.create(wish, 'test')).rejects.toMatchObject({ name: 'KeyRefusedError', reason: 'invalid', field });
  expect((await broker.listTopics()).map(({ name }) => name)).not.toContain(topics.audit.name);
});

test('every change of a key is a record of who, what, before and after', async () => {
  const { desk, broker } = start();
  const first = await desk.create({ name: 'k' }, 'ann');
  const second = await desk.rotate(first.key.keyId, 0, 'bob');
  await desk.revoke(second.key.keyId, 'eve');
  // Changes nothing, so there is nothing to account for.
  await desk.revoke(second.key.keyId, 'eve');
  const records = await readAudit(broker, '', 10);
  expect(records.map(({ who, action, target }) => [who, action, target])).toEqual([
    ['eve', 'keys.revoke', second.key.keyId],
    ['bob', 'keys.rotate', first.key.keyId],
    ['ann', 'keys.create', first.key.keyId],
  ]);
  const [revoked, rotated, created] = records;
  expect(created!.before).toBeNull();
  expect(JSON.parse(created!.after!)).toMatchObject({ keyId: first.key.keyId, state: 'valid' });
  expect(JSON.parse(rotated!.before!)).toMatchObject({ keyId: first.key.keyId });
  expect(JSON.parse(rotated!.after!)).toMatchObject({ keyId: second.key.keyId, replaces: first.key.keyId });
  expect(JSON.parse(revoked!.before!).state).toBe('valid');
  expect(JSON.parse(revoked!.after!).state).toBe('revoked');
  expect(JSON.stringify(records)).not.toMatch(/hash/);
});

test('rows that could be no key of ours are told apart', () => {
  const created: AccessKeyChange = {
    ...{ keyId: '0123456789ab', change: 'CREATED', atMs: 1, by: 'x', endsAtMs: null },
    key: {
      ...{ name: 'k', hash: Buffer.alloc(32), role: 'admin', tenantId: null, models: null, presets: null },
      ...{ routes: null, sources: [], requestsPerMinute: null, burst: null, replaces: null },
    },
  };
  expect(() => checkKeyChange(created)).not.toThrow();
  for (const wrong of [
    { ...created, keyId: 'x' },
    { ...created, key: null },
    // Without this check a text that hashes to nothing would be a key.
    { ...created, key: { ...created.key!, hash: Buffer.alloc(0) } },
    { ...created, change: 'REVOKED' as const, endsAtMs: null },
  ])
    expect(() => checkKeyChange(wrong)).toThrow();
});
