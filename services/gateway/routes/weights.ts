/** /v1/weights: which learned weights there are, which are in force, and other ones for those who ask. */
import { z } from 'zod';
import type { WeightsCommand } from '../../../lib/topics/generated/messages';
import { findVersion } from '../../../lib/weights/read-weights';
import type { Endpoint, GatewayContext } from '../endpoint';
import { id } from '../http/field-schemas';
import { HttpError } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';
import { commandTrainer } from '../learning/command-trainer';
import { forgetEndpoint } from './forget';

const versionsSchema = z.strictObject({
  inForce: z.string().nullable().describe('hash of the policy in force; null before the first'),
  learning: z
    .strictObject({
      lagMs: z.number().describe('age of the oldest learning event that is not learned; 0 without one'),
      weightsHeld: z.boolean().describe('newer weights are kept back'),
      atMs: z.int().describe('when that was said: processes do so every 15 s'),
    })
    .nullable()
    .describe('how learning is; null where no process has said so within a minute'),
  versions: z.array(z.record(z.string(), z.unknown())).describe('messages WeightsVersion, last changed first'),
});

const policy = id.max(64).nullable().default(null);
const requestedBy = id.default('http');

const promoteSchema = z.strictObject({
  policySha256: policy.describe('hash of the policy, or an unambiguous beginning of it; null: the newest candidate'),
  force: z.boolean().default(false).describe("without the gate's consent"),
  requestedBy: requestedBy.describe('who wants it, for the record'),
});
const rollbackSchema = z.strictObject({
  policySha256: policy.describe('hash of the policy, or an unambiguous beginning of it; null: the one before'),
  requestedBy: requestedBy.describe('who wants it, for the record'),
});

export function weightsEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/weights',
      summary: 'The versions of the learned weights, with their lineage and what became of them.',
      responses: { 200: { doc: 'The versions.', body: { schema: versionsSchema } } },
      errors: ['not_ready'],
      handler: async (_request, reply) => {
        const { inForce, versions } = await context.weights.read();
        const learning = await context.weights.vitals();
        return sendJson(reply, { inForce: inForce?.policySha256 ?? null, learning, versions });
      },
    },
    {
      method: 'GET',
      path: '/v1/weights/{policySha256}',
      summary: 'One version of the learned weights.',
      parameters: [
        {
          name: 'policySha256',
          in: 'path',
          required: true,
          doc: 'hash of the policy, or an unambiguous beginning',
          schema: { type: 'string', minLength: 1 },
        },
      ],
      responses: { 200: { doc: 'The version.', body: { message: 'WeightsVersion' } } },
      errors: ['not_found', 'not_ready'],
      handler: async (request, reply) => {
        const { policySha256 } = request.params as { policySha256: string };
        const found = findVersion((await context.weights.read()).versions, policySha256);
        if (!found.version) throw new HttpError('not_found', found.why);
        return sendJson(reply, found.version);
      },
    },
    commandEndpoint(context, {
      path: '/v1/weights/promote',
      summary: 'Puts a candidate in force, if the off-policy gate agrees; after a rollback, publishing goes on.',
      body: promoteSchema,
      command: (body) => ({ kind: 'PROMOTE', ...readBody(promoteSchema, body) }),
    }),
    commandEndpoint(context, {
      path: '/v1/weights/rollback',
      summary: 'Puts earlier weights in force and holds back newer ones until a promotion.',
      body: rollbackSchema,
      command: (body) => ({ kind: 'ROLLBACK', force: false, ...readBody(rollbackSchema, body) }),
    }),
    forgetEndpoint(context),
  ];
}

interface CommandEndpoint extends Pick<Endpoint, 'path' | 'summary'> {
  readonly body: z.ZodType;
  readonly command: (body: unknown) => Omit<WeightsCommand, 'commandId' | 'requestedAtMs'>;
}

function commandEndpoint(context: GatewayContext, { path, summary, body, command }: CommandEndpoint): Endpoint {
  return {
    method: 'POST',
    path,
    summary,
    description: 'Waits for the answer of the trainer, the one writer of weights.',
    body: { schemas: [body], required: false },
    responses: { 200: { doc: 'Done.', body: { message: 'WeightsAnswer' } } },
    errors: [
      'malformed_json',
      'invalid_field',
      'refused',
      'trainer_timeout',
      'not_ready',
      'body_too_large',
      'unsupported_media_type',
    ],
    handler: async (request, reply) => {
      const { isAnonymous, who } = request.asker;
      const wish = command(request.body ?? {});
      // Whoever has a key asks under its name alone.
      const answer = await commandTrainer(context, {
        ...wish,
        ...(!isAnonymous && { requestedBy: who.slice(0, 200) }),
      });
      return sendJson(reply, answer);
    },
  };
}
