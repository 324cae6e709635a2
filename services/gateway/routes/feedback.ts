/** POST /v1/feedback: what happened when a model was called. */
import { z } from 'zod';
import { attemptOf } from '../../../lib/client/build-records';
import { suggestName } from '../../../lib/config/describe-issues';
import { TransientError } from '../../../lib/ports/broker';
import type { RouteDecided, RouteOutcome } from '../../../lib/topics/generated/messages';
import { faultOf } from '../../reward-feedback/check-outcome';
import { type FeedbackBody, feedbackBodySchema } from '../body-schemas';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http-error';
import { readBody } from '../read-body';
import { sendJson } from '../send-json';
import { contextOf } from '../trace-requests';

const acceptedSchema = z.strictObject({
  decisionId: z.string(),
  model: z.string().describe('the model the outcome was booked on'),
  attempt: z.int().describe('which attempt it was taken for'),
});

export function feedbackEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/v1/feedback',
      summary: 'Reports the outcome of a decision, by its id.',
      description:
        'Answers once the outcome is durable. Report every attempt, the decided model first; a higher revision corrects a lower one. Leave out what nobody knows: it is never read as 0.',
      body: { schemas: [feedbackBodySchema], required: true },
      responses: {
        202: {
          doc: 'The outcome is durable. It is learned from once its decision is found: for one with a session that is not among the newest, give its routingKey.',
          body: { schema: acceptedSchema },
        },
      },
      errors: ['malformed_json', 'invalid_field', 'body_too_large', 'unsupported_media_type', 'not_ready'],
      handler: async (request, reply) => {
        const body = readBody(feedbackBodySchema, request.body);
        const outcome = toOutcome(context, body, await decisionOf(context, body));
        const fault = faultOf(outcome);
        if (fault) throw invalidField(fault.field, fault.reason);
        try {
          await context.client.report(outcome, contextOf(request, outcome.decisionId));
        } catch (error) {
          if (error instanceof TransientError)
            throw new HttpError('not_ready', 'the log cannot be written at the moment; try again later');
          throw error;
        }
        reply.status(202);
        return sendJson(reply, { decisionId: outcome.decisionId, model: outcome.model, attempt: outcome.attempt });
      },
    },
  ];
}

/** From memory, else (after a restart, or long ago) from the log, which is searched only when there is something to find out. */
async function decisionOf(context: GatewayContext, body: FeedbackBody): Promise<RouteDecided | undefined> {
  const known = context.recent.get(body.decisionId);
  if (known || body.model !== null) return known;
  return (await context.findDecision(body.decisionId, body.routingKey)) ?? undefined;
}

function toOutcome(context: GatewayContext, body: FeedbackBody, decision: RouteDecided | undefined): RouteOutcome {
  const model = body.model ?? decision?.model;
  if (model === undefined)
    throw invalidField('model', 'is required: the decision is not among the newest, so its model is not known');
  refuseUnknownModel(context, decision, model);
  return {
    ...body,
    model,
    attempt: body.attempt ?? (decision ? attemptOf(decision, model) : 1),
    routingKey: body.routingKey ?? decision?.routingKey ?? context.recent.routingKeyOf(body.decisionId),
    occurredAtMs: body.occurredAtMs ?? context.clock.nowMs(),
  };
}

/** A model that has left the configuration is still known to the decisions that named it. */
function refuseUnknownModel(context: GatewayContext, decision: RouteDecided | undefined, model: string): void {
  const configured = context.config()?.config.models.map((known) => known.name);
  const decided = decision?.candidates.map((candidate) => candidate.model) ?? [];
  if (!configured || configured.includes(model) || decided.includes(model)) return;
  throw invalidField('model', `unknown model "${model}"${suggestName(model, configured)}`);
}
