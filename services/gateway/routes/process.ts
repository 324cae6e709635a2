/** GET /health, /ready, /metrics: for whoever runs the process. */
import { z } from 'zod';
import { maySeeInstallation } from '../access/check-access';
import type { Endpoint, GatewayContext } from '../endpoint';
import { sendJson } from '../http/send-json';

const healthSchema = z.looseObject({ status: z.literal('ok') });
const readySchema = z.strictObject({
  ready: z.boolean(),
  waitingFor: z.array(z.string()),
  standsIn: z
    .boolean()
    .describe('the log is away: calls of models are answered in the configured order, and nothing else is'),
  learning: z
    .strictObject({
      rewards: z.int().describe('rewards learned so far'),
      rewardsNeeded: z.int().describe('so many the learned strategy needs before it chooses'),
      decisionsSinceFeedback: z.int().describe('decisions since rewards last came, as far as this process knows'),
      note: z.string().nullable().describe('what to do about it; null when all is well'),
    })
    .describe('whether feedback comes; has no say in being ready'),
});

export function processEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/health',
      summary: 'Whether the process lives.',
      standsBy: true,
      responses: {
        200: { doc: 'It does; for viewers, with what it knows of its services.', body: { schema: healthSchema } },
      },
      errors: [],
      handler: (request, reply) =>
        sendJson(reply, { ...(maySeeInstallation(request.asker) && context.status()), status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/ready',
      summary: 'Whether requests can be routed.',
      standsBy: true,
      responses: {
        200: { doc: 'Ready.', body: { schema: readySchema } },
        503: { doc: 'Not ready; says what is awaited.', body: { schema: readySchema } },
      },
      errors: [],
      handler: (_request, reply) => {
        const waitingFor = context.waitingFor();
        // A load balancer that sends nobody here would leave calls unanswered that this gateway can answer.
        const standsIn = context.standby?.isAway() === true;
        const ready = waitingFor.length === 0 || standsIn;
        reply.status(ready ? 200 : 503);
        return sendJson(reply, { ready, waitingFor, standsIn, learning: context.feedback.state() });
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Metrics in the Prometheus text format.',
      standsBy: true,
      responses: { 200: { doc: 'Metrics.', body: { contentType: 'text/plain' } } },
      errors: [],
      handler: async (_request, reply) => {
        reply.header('content-type', context.metrics.contentType);
        return context.metrics.text();
      },
    },
  ];
}
