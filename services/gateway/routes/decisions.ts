/** GET /v1/decisions/:id: a decision made before, with everything it was made of. */
import { z } from 'zod';
import { idFault } from '../../../lib/topics/identifiers';
import { innerId, outerDecision, owns } from '../access/tenant-ids';
import type { Endpoint, GatewayContext } from '../endpoint';
import { id as idText } from '../http/field-schemas';
import { HttpError, invalidField } from '../http/http-error';
import { sendJson } from '../http/send-json';

const { $schema: _, ...idSchema } = z.toJSONSchema(idText);

export function decisionEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/decisions/{id}',
      summary: 'A decision by its id.',
      description: 'Looks in memory first and then at the newest records of the log.',
      parameters: [
        { name: 'id', in: 'path', required: true, doc: 'decisionId, which is the requestId', schema: idSchema },
        {
          name: 'routingKey',
          in: 'query',
          required: false,
          doc: "the decision's routingKey; makes the search of the log shorter when the request had a session",
          schema: idSchema,
        },
      ],
      responses: { 200: { doc: 'The decision.', body: { message: 'RouteDecided' } } },
      errors: ['invalid_field', 'not_found', 'not_ready', 'overloaded'],
      handler: async (request, reply) => {
        const { id } = request.params as { id: string };
        const { routingKey = null } = request.query as { routingKey?: string | string[] };
        if (Array.isArray(routingKey)) throw invalidField('routingKey', 'is given twice; which of the two is meant?');
        for (const [field, value] of Object.entries({ id, routingKey })) {
          const fault = value === null ? null : idFault(value);
          if (fault !== null) throw invalidField(field, fault);
        }
        const { asker } = request;
        const decision = await context.findDecision(
          innerId(asker, 'id', id),
          routingKey === null ? null : innerId(asker, 'routingKey', routingKey),
        );
        if (!decision || !owns(asker, decision))
          throw new HttpError(
            'not_found',
            `no decision with id ${JSON.stringify(id)} in memory or among the newest records of the log`,
          );
        return sendJson(reply, outerDecision(asker, decision));
      },
    },
  ];
}
