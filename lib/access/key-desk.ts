/** Makes, replaces and revokes keys, in the log: replicas agree, and a restart remembers. The one place that writes them. */
import { z } from 'zod';
import { createAuditTrail } from '../audit/audit-trail';
import { checkValue, formatPath, type Issue } from '../config/describe-issues';
import type { Broker } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { ensureSinglePartitionTopic } from '../topics/ensure-topic';
import type { AccessKey, AccessKeyChange } from '../topics/generated/messages';
import { id } from '../topics/identifier-schemas';
import { maxTimeMs } from '../topics/number-ranges';
import { readTable } from '../topics/read-table';
import { topics } from '../topics/topics';
import { routePaths } from './access-table';
import { makeKey } from './key-secret';
import { allKeys, checkKeyChange, type KnownKey, knownKey, stateOf } from './known-keys';
import { isConfined, roles, tenantPattern, tenantRule } from './roles';

const names = z.array(id).min(1).max(256).nullable().default(null);

/** What a key may be asked to be. */
export const keyWishSchema = z.strictObject({
  name: id.describe('for people: whose it is, or what for'),
  role: z.enum(roles).default('caller').describe('what it may do'),
  tenantId: z
    .string()
    .regex(tenantPattern, { error: tenantRule })
    .nullable()
    .default(null)
    .describe('tenant it is bound to; of callers and viewers alone'),
  models: names.describe('models it may use; null for all'),
  presets: names.describe('presets it may name, with auto for none; null for all'),
  routes: z
    .array(z.enum(routePaths))
    .min(1)
    .max(256)
    .nullable()
    .default(null)
    .describe('paths it may ask, such as /v1/chat/completions; null for all that its role may'),
  sources: z
    .array(id)
    .max(16)
    .default([])
    .describe('sources that its feedback may name, the first where it names none; its name when left out'),
  requestsPerMinute: z.number().min(0.01).max(1e9).nullable().default(null).describe('null for no limit'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .nullable()
    .default(null)
    .describe('requests at once; those of a minute when null'),
  expiresAtMs: z
    .int()
    .min(0)
    .max(maxTimeMs)
    .nullable()
    .default(null)
    .describe('milliseconds since the epoch; null for never'),
});
export type KeyWish = z.input<typeof keyWishSchema>;

/** Keys there may be, those that are over with them: every gateway holds all in memory. */
const maxKeys = 10_000;
export const maxGraceMs = 30 * 24 * 3_600_000;
/** Whom the gateway itself reports as; nobody else may. */
const isOwnSource = (source: string): boolean =>
  ['call', 'mechanical', 'next-turn'].includes(source) || source.startsWith('judge:');

/** What is wrong with a wish, for people. */
export class KeyRefusedError extends Error {
  constructor(
    readonly reason: 'invalid' | 'not-found' | 'over' | 'too-many',
    readonly field: string,
    message: string,
    readonly issues: readonly Issue[] = [],
  ) {
    super(message);
    this.name = 'KeyRefusedError';
  }
}

export interface NewKey {
  readonly key: KnownKey;
  /** Shown once: it is nowhere else. */
  readonly secret: string;
}

export interface KeyDesk {
  /** In order of creation, those that are over too. */
  list(): Promise<readonly KnownKey[]>;
  create(wish: unknown, by: string): Promise<NewKey>;
  /** Over at once and for good. A second time changes nothing. */
  revoke(keyId: string, by: string): Promise<KnownKey>;
  /** Another key that may do the same; this one is over after `graceMs`. */
  rotate(keyId: string, graceMs: number, by: string): Promise<NewKey>;
  close(): Promise<void>;
}

export interface KeyDeskOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
  /** Unique per process. */
  readonly name: string;
}

export function createKeyDesk({ broker, clock, topicPrefix, name }: KeyDeskOptions): KeyDesk {
  const producer = broker.producer(`keys-${name}`);
  const trail = createAuditTrail({ broker, clock, topicPrefix });
  // One after another: each looks at what the one before has written.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task);
    turn = result.catch(() => {});
    return result;
  };

  const read = async () => {
    await ensureSinglePartitionTopic(broker, topics.accessKeys, topicPrefix);
    return readTable(broker, topics.accessKeys, topicPrefix, { accepts: checkKeyChange });
  };
  const write = async (changes: readonly AccessKeyChange[], audited: Parameters<typeof trail.recordOf>[0]) => {
    const topic = topicPrefix + topics.accessKeys.name;
    const { codec, keyOf } = topics.accessKeys;
    await producer.send([
      // First: a change that nobody can account for is worse than an account of one that did not come.
      await trail.recordOf(audited),
      ...changes.map((change) => ({ topic, key: keyOf(change), value: codec.encode(change) })),
    ]);
  };
  const find = (rows: Map<string, AccessKeyChange>, keyId: string): KnownKey => {
    const key = knownKey(rows, keyId);
    if (key) return key;
    throw new KeyRefusedError('not-found', 'id', `there is no key ${JSON.stringify(keyId.slice(0, 40))}`);
  };
  /** Writes a key and gives it as it is known from now on. */
  const add = async (
    rows: Map<string, AccessKeyChange>,
    key: Omit<AccessKey, 'hash'>,
    endsAtMs: number | null,
    by: string,
    replaced: { readonly key: KnownKey; readonly change: AccessKeyChange } | null,
  ): Promise<NewKey> => {
    let made = makeKey();
    while (rows.has(`${made.keyId}/CREATED`)) made = makeKey();
    const { keyId, secret, hash } = made;
    const created: AccessKeyChange = {
      ...{ keyId, change: 'CREATED', atMs: clock.nowMs(), by, endsAtMs },
      key: { ...key, hash },
    };
    const known = knownKey(new Map([[`${keyId}/CREATED`, created]]), keyId)!;
    await write(replaced ? [created, replaced.change] : [created], {
      who: by,
      action: replaced ? 'keys.rotate' : 'keys.create',
      target: replaced ? replaced.key.keyId : keyId,
      before: replaced && describeKey(replaced.key, clock.nowMs()),
      after: describeKey(known, clock.nowMs()),
    });
    return { key: known, secret };
  };

  return {
    list: async () => {
      const rows = await read();
      return allKeys(rows.values(), rows);
    },
    create: (given, by) =>
      inTurn(async () => {
        const wish = checkedWish(given, clock.nowMs());
        const rows = await read();
        if (allKeys(rows.values(), rows).length >= maxKeys)
          throw new KeyRefusedError('too-many', '', `there are ${maxKeys} keys already`);
        const { expiresAtMs, sources, ...fields } = wish;
        const key = { ...fields, sources: sources.length > 0 ? sources : [wish.name], replaces: null };
        return add(rows, key, expiresAtMs, by, null);
      }),
    revoke: (keyId, by) =>
      inTurn(async () => {
        const rows = await read();
        const before = find(rows, keyId);
        if (before.revokedAtMs !== null) return before;
        const nowMs = clock.nowMs();
        const revoked: AccessKeyChange = { keyId, change: 'REVOKED', atMs: nowMs, by, endsAtMs: nowMs, key: null };
        const after = knownKey(new Map(rows).set(topics.accessKeys.keyOf(revoked), revoked), keyId)!;
        await write([revoked], {
          ...{ who: by, action: 'keys.revoke', target: keyId },
          before: describeKey(before, nowMs),
          after: describeKey(after, nowMs),
        });
        return after;
      }),
    rotate: (keyId, graceMs, by) =>
      inTurn(async () => {
        const rows = await read();
        const before = find(rows, keyId);
        const nowMs = clock.nowMs();
        const state = stateOf(before, nowMs);
        if (state !== 'valid') throw new KeyRefusedError('over', 'id', `the key is ${state}: create another one`);
        if (before.isReplaced) throw new KeyRefusedError('over', 'id', 'another key was made in its place already');
        const { hash: _hash, replaces: _replaces, ...rest } = rows.get(`${keyId}/CREATED`)!.key!;
        const change: AccessKeyChange = {
          ...{ keyId, change: 'REPLACED', atMs: nowMs, by, endsAtMs: nowMs + graceMs },
          key: null,
        };
        return add(rows, { ...rest, replaces: keyId }, before.endsAtMs, by, { key: before, change });
      }),
    async close() {
      await turn;
      await producer.close();
    },
  };
}

function checkedWish(given: unknown, nowMs: number): z.output<typeof keyWishSchema> {
  const checked = checkValue(keyWishSchema, given);
  const refuse = (issues: readonly Issue[]): never => {
    const { path, message } = issues[0]!;
    throw new KeyRefusedError('invalid', formatPath(path), `${formatPath(path) || 'body'}: ${message}`, issues);
  };
  if (!checked.ok) return refuse(checked.issues);
  const wish = checked.value;
  const issue = (field: string, message: string): Issue => ({ path: [field], message, at: 'value' });
  if (wish.tenantId !== null && !isConfined(wish.role))
    return refuse([issue('tenantId', `does not go with the role ${wish.role}, which is of the whole installation`)]);
  if (wish.expiresAtMs !== null && wish.expiresAtMs <= nowMs) return refuse([issue('expiresAtMs', 'is in the past')]);
  if (wish.burst !== null && wish.requestsPerMinute === null)
    return refuse([issue('burst', 'needs requestsPerMinute')]);
  const own = [...wish.sources, ...(wish.sources.length === 0 ? [wish.name] : [])].find(isOwnSource);
  if (own !== undefined)
    return refuse([issue('sources', `"${own}" is the name that the gateway itself reports under`)]);
  return wish;
}

/** All there is to know of a key but its hash. */
export function describeKey(key: KnownKey, nowMs: number) {
  const { hash: _hash, ...rest } = key;
  return { ...rest, state: stateOf(key, nowMs) };
}
