/** GET /v1/me: who asks, and what of all there is he may use. */
import { z } from 'zod';
import { roles } from '../../../lib/access/roles';
import { operationsOf } from '../access/check-access';
import type { Endpoint, GatewayContext } from '../endpoint';
import { isAtCallersPort } from '../http/open-door';
import { sendJson } from '../http/send-json';

const names = z.array(z.string()).nullable();
const meSchema = z.strictObject({
  who: z.string().describe('as records and the audit trail name it'),
  isAnonymous: z.boolean().describe('whether nobody needs a key here, and none was sent'),
  role: z.enum(roles),
  tenantId: z.string().nullable().describe('null: of no tenant'),
  scopes: z
    .strictObject({ models: names, presets: names, routes: names, sources: names })
    .describe('what the key is narrowed to; null for all that its role may'),
  limit: z
    .strictObject({ requestsPerMinute: z.number(), burst: z.number() })
    .nullable()
    .describe('how often it may ask; null for no limit'),
  operations: z
    .array(
      z.strictObject({
        name: z.string().describe('method and path, as in this document'),
        roles: z.array(z.enum(roles)).describe('roles that may use it, with a key that nothing else narrows'),
        refusal: z.string().nullable().describe('why this key may not; null when it may'),
      }),
    )
    .describe('every operation of this gateway'),
});

export function meEndpoints({ settings }: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/me',
      summary: 'Who the key is, and what it may do.',
      description: 'Any key or token may ask this, one that is for other routes alone too.',
      standsBy: true,
      responses: { 200: { doc: 'Whoever asks.', body: { schema: meSchema } } },
      errors: [],
      handler: ({ asker, raw }, reply) => {
        const { who, isAnonymous, role, tenantId, models, presets, routes, sources, limit } = asker;
        reply.header('cache-control', 'no-store');
        return sendJson(reply, {
          ...{ who, isAnonymous, role, tenantId, scopes: { models, presets, routes, sources } },
          limit: limit && { requestsPerMinute: limit.requestsPerMinute, burst: limit.burst },
          operations: operationsOf(asker, { isOfCallersAlone: isAtCallersPort(raw, settings) }),
        });
      },
    },
  ];
}
