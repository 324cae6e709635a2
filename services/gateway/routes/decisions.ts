/** GET /v1/decisions/:id: a decision made before, with everything it was made of. */
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError } from '../http-error';
import { sendJson } from '../send-json';

export function decisionEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/decisions/{id}',
      summary: 'A decision by its id.',
      description: 'Looks in memory first and then at the newest records of the log.',
      parameters: [
        { name: 'id', in: 'path', required: true, doc: 'decisionId, which is the requestId' },
        {
          name: 'routingKey',
          in: 'query',
          required: false,
          doc: "the decision's routingKey; makes the search of the log shorter when the request had a session",
        },
      ],
      responses: { 200: { doc: 'The decision.', body: { message: 'RouteDecided' } } },
      errors: ['not_found'],
      handler: async (request, reply) => {
        const { id } = request.params as { id: string };
        const { routingKey } = request.query as { routingKey?: unknown };
        const decision = await context.findDecision(id, typeof routingKey === 'string' ? routingKey : null);
        if (!decision)
          throw new HttpError(
            'not_found',
            `no decision with id ${JSON.stringify(id)} in memory or among the newest records of the log`,
          );
        return sendJson(reply, decision);
      },
    },
  ];
}
