/** GET /v1/audit: who changed what, the newest first. */
import { z } from 'zod';
import { readAudit } from '../../../lib/audit/audit-trail';
import type { Endpoint, GatewayContext } from '../endpoint';
import { invalidField } from '../http/http-error';
import { sendJson } from '../http/send-json';

const maxRecords = 1_000;
const usualRecords = 100;

const auditSchema = z.strictObject({
  records: z
    .array(
      z.strictObject({
        auditId: z.string(),
        atMs: z.int(),
        who: z.string(),
        action: z.string().describe('such as config.apply, weights.promote, keys.create'),
        target: z.string(),
        before: z.unknown().describe('what was there, as far as it is different; null for nothing'),
        after: z.unknown().describe('what is there, as far as it is different; null for nothing'),
        note: z.string(),
      }),
    )
    .describe('the newest first'),
});

export function auditEndpoints({ search }: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/audit',
      summary: 'Who changed what: configuration, weights, keys.',
      parameters: [
        {
          ...{ name: 'limit', in: 'query', required: false, doc: 'so many at most' },
          schema: { type: 'integer', minimum: 1, maximum: maxRecords, default: usualRecords },
        },
      ],
      responses: { 200: { doc: 'The records.', body: { schema: auditSchema } } },
      errors: ['invalid_field', 'not_ready'],
      handler: async (request, reply) => {
        const { limit = String(usualRecords) } = request.query as { limit?: string | string[] };
        if (Array.isArray(limit)) throw invalidField('limit', 'is given twice; which of the two is meant?');
        if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > maxRecords)
          throw invalidField('limit', `must be a whole number from 1 to ${maxRecords}`);
        const records = await readAudit(search.broker, search.topicPrefix, Number(limit));
        return sendJson(reply, {
          records: records.map((record) => ({
            ...record,
            before: parsed(record.before),
            after: parsed(record.after),
          })),
        });
      },
    },
  ];
}

/** Whoever may write the topic may write anything there. */
function parsed(json: string | null): unknown {
  if (json === null) return null;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
