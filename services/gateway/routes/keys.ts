/** /v1/keys: keys of callers, for whoever administers them. A key itself is in one answer only, that which made it. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { describeKey, KeyRefusedError, keyWishSchema, maxGraceMs, type NewKey } from '../../../lib/access/key-desk';
import { keyIdPattern } from '../../../lib/access/key-secret';
import type { KeyRows } from '../../../lib/access/known-keys';
import { roles } from '../../../lib/access/roles';
import { type Clock, sleep } from '../../../lib/ports/clock';
import type { Endpoint, GatewayContext } from '../endpoint';
import { type ErrorCode, HttpError, invalidField, invalidFields } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const names = z.array(z.string()).nullable();
const keySchema = z.strictObject({
  keyId: z.string().describe('what it is called; part of the key'),
  name: z.string(),
  role: z.enum(roles),
  tenantId: z.string().nullable(),
  models: names,
  presets: names,
  routes: names,
  sources: z.array(z.string()),
  requestsPerMinute: z.number().nullable(),
  burst: z.int().nullable(),
  replaces: z.string().nullable().describe('the key in whose place it was made'),
  createdAtMs: z.int(),
  createdBy: z.string(),
  endsAtMs: z.int().nullable().describe('not taken from then on; null for good'),
  revokedAtMs: z.int().nullable(),
  isReplaced: z.boolean().describe('whether another was made in its place'),
  state: z.enum(['valid', 'expired', 'revoked']),
});
const listSchema = z.strictObject({
  keys: z.array(keySchema).describe('in order of creation, those that are over too'),
});
const newKeySchema = z.strictObject({
  secret: z.string().describe('the key; keep it now, it is nowhere else'),
  key: keySchema,
});
const rotateSchema = z.strictObject({
  graceMs: z
    .int()
    .min(0)
    .max(maxGraceMs)
    .default(0)
    .describe('how long the key before is still taken, so that its users can change over'),
});

const idParameter = {
  ...{ name: 'id', in: 'path' as const, required: true, doc: 'keyId' },
  schema: { type: 'string', pattern: keyIdPattern.source },
};
const ofBodies: readonly ErrorCode[] = [
  'malformed_json',
  'invalid_field',
  'refused',
  'body_too_large',
  'unsupported_media_type',
  'not_ready',
];

export function keyEndpoints({ keyDesk: desk, keyRows, clock }: GatewayContext): Endpoint[] {
  const sendNew = async (reply: FastifyReply, made: Promise<NewKey>): Promise<string> => {
    const { key, secret } = await refusable(made);
    await untilKnown({ keyRows, clock }, `${key.keyId}/CREATED`);
    reply.status(201).header('cache-control', 'no-store');
    return sendJson(reply, { secret, key: describeKey(key, clock.nowMs()) });
  };
  return [
    {
      method: 'GET',
      path: '/v1/keys',
      summary: 'The keys of callers, without the keys themselves.',
      responses: { 200: { doc: 'The keys.', body: { schema: listSchema } } },
      errors: ['not_ready'],
      handler: async (_request, reply) => {
        const keys = await desk.list();
        return sendJson(reply, { keys: keys.map((key) => describeKey(key, clock.nowMs())) });
      },
    },
    {
      method: 'POST',
      path: '/v1/keys',
      summary: 'Makes a key and shows it this once.',
      description:
        'Where nobody needed a key until now, the first must be that of an administrator: from then on everybody needs one.',
      body: { schemas: [keyWishSchema], required: true },
      responses: { 201: { doc: 'The key.', body: { schema: newKeySchema } } },
      errors: ofBodies,
      handler: async (request, reply) => {
        const wish = readBody(keyWishSchema, request.body);
        if (request.asker.isAnonymous && wish.role !== 'admin' && (await desk.list()).length === 0)
          throw new HttpError(
            'refused',
            'role: the first key must be that of an admin (quantum-router keys create NAME --role admin): without it nobody could make another one then',
            'role',
          );
        return sendNew(reply, desk.create(wish, request.asker.who));
      },
    },
    {
      method: 'POST',
      path: '/v1/keys/{id}/revoke',
      summary: 'Ends a key at once and for good.',
      parameters: [idParameter],
      responses: { 200: { doc: 'It is over.', body: { schema: keySchema } } },
      errors: ['invalid_field', 'not_found', 'not_ready'],
      handler: async (request, reply) => {
        const keyId = keyIdIn(request.params);
        const key = await refusable(desk.revoke(keyId, request.asker.who));
        await untilKnown({ keyRows, clock }, `${keyId}/REVOKED`);
        return sendJson(reply, describeKey(key, clock.nowMs()));
      },
    },
    {
      method: 'POST',
      path: '/v1/keys/{id}/rotate',
      summary: 'Makes a key that may do the same, and ends this one after a while.',
      parameters: [idParameter],
      body: { schemas: [rotateSchema], required: false },
      responses: { 201: { doc: 'The new key.', body: { schema: newKeySchema } } },
      errors: [...ofBodies, 'not_found'],
      handler: (request, reply) => {
        const keyId = keyIdIn(request.params);
        const { graceMs } = readBody(rotateSchema, request.body ?? {});
        return sendNew(reply, desk.rotate(keyId, graceMs, request.asker.who));
      },
    },
  ];
}

function keyIdIn(params: unknown): string {
  const { id } = params as { id: string };
  if (!keyIdPattern.test(id)) throw invalidField('id', 'must be 12 hexadecimal digits: the part of a key behind qr_');
  return id;
}

async function refusable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KeyRefusedError)) throw error;
    if (error.issues.length > 0) throw invalidFields(error.issues);
    throw new HttpError(error.reason === 'not-found' ? 'not_found' : 'refused', error.message, error.field);
  }
}

const checkIntervalMs = 5;
const maxChecks = 400;

/** Waits until this gateway has read it back, so that what it answers next is true. */
async function untilKnown(
  { keyRows, clock }: { readonly keyRows: KeyRows; readonly clock: Clock },
  rowKey: string,
): Promise<void> {
  for (let checks = 0; checks < maxChecks && !keyRows.get(rowKey); checks++) await sleep(clock, checkIntervalMs);
}
