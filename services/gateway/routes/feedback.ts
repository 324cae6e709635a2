/** POST /v1/feedback: what happened when a model was called. */
import { z } from 'zod';
import { attemptOf } from '../../../lib/client/build-records';
import { suggestName } from '../../../lib/config/describe-issues';
import { TransientError } from '../../../lib/ports/broker';
import type { RouteDecided, RouteOutcome } from '../../../lib/topics/generated/messages';
import { faultOf } from '../../reward-feedback/check-outcome';
import { wholeOf } from '../../reward-feedback/merge-reports';
import { sourceOf } from '../access/check-scope';
import { hasOwnIds, innerId, outerId, owns } from '../access/tenant-ids';
import type { Asker } from '../access/who-is-asking';
import { callSource, mechanicalSource } from '../doors/report-calls';
import type { CallServer } from '../doors/serve-call';
import type { Endpoint, GatewayContext } from '../endpoint';
import { type FeedbackBody, feedbackBodySchema } from '../http/body-schemas';
import { HttpError, invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';
import { contextOf } from '../trace-requests';

const acceptedSchema = z.strictObject({
  decisionId: z.string(),
  model: z.string().describe('the model the outcome was booked on'),
  attempt: z.int().describe('which attempt it was taken for'),
});

export function feedbackEndpoints(context: GatewayContext, calls: Pick<CallServer, 'noteFeedback'>): Endpoint[] {
  return [
    {
      method: 'POST',
      path: '/v1/feedback',
      summary: 'Reports the outcome of a decision, by its id.',
      description:
        'Answers once the outcome is durable. Report every attempt, the decided model first. Leave out what nobody knows: it is never read as 0, and a further report adds what has become known. To correct what was said give a higher revision; at the same one it is a conflict.',
      body: { schemas: [feedbackBodySchema], required: true },
      responses: {
        202: {
          doc: 'The outcome is durable. It is learned from once its decision is found: for one with a session that is not among the newest, give its routingKey.',
          body: { schema: acceptedSchema },
        },
      },
      errors: [
        'malformed_json',
        'invalid_field',
        'not_found',
        'conflict',
        'body_too_large',
        'unsupported_media_type',
        'not_ready',
        'overloaded',
      ],
      handler: async (request, reply) => {
        const { asker } = request;
        const given = readBody(feedbackBodySchema, request.body);
        refuseEmpty(given);
        const body: FeedbackBody = {
          ...given,
          decisionId: innerId(asker, 'decisionId', given.decisionId),
          routingKey: given.routingKey === null ? null : innerId(asker, 'routingKey', given.routingKey),
          source: sourceOf(asker, given.source),
        };
        const decision = await decisionOf(context, body, asker);
        // As if there were none: whose it is concerns nobody else. Where it was not found, the id has to say it.
        if (decision ? !owns(asker, decision) : !hasOwnIds(asker)) throw noDecision(asker, body);
        await recallReports(context, body, decision);
        const outcome = toOutcome(context, body, decision);
        const fault = faultOf(outcome);
        if (fault) throw invalidField(fault.field, fault.reason);
        take(context, outcome);
        try {
          await context.client.report(outcome, contextOf(request, outcome.decisionId));
        } catch (error) {
          context.reported.forget(outcome);
          if (error instanceof TransientError)
            throw new HttpError('not_ready', 'the log cannot be written at the moment; try again later');
          throw error;
        }
        context.feedback.noteReport();
        calls.noteFeedback(outcome);
        reply.status(202);
        return sendJson(reply, { decisionId: given.decisionId, model: outcome.model, attempt: outcome.attempt });
      },
    },
  ];
}

/** Whether a report says anything at all. A status is something: it was given only where somebody meant it. */
function refuseEmpty(body: FeedbackBody): void {
  const figures = [
    ...[body.latencyMs, body.inputTokens, body.outputTokens, body.costUsd, body.quality, body.status],
    ...[body.firstTokenMs, body.cachedInputTokens, body.reasoningTokens, body.finishReason, body.retryAfterMs],
  ];
  if (figures.some((said) => said !== null) || Object.keys(body.rewardParts).length > 0) return;
  throw invalidField(
    '',
    'says nothing; give at least one of status, latencyMs, costUsd, quality, rewardParts or tokens',
  );
}

/**
 * The decision reported on: from memory, else the one that is just being made, else from the log. Undefined where it may
 * exist in older records than are looked at: reward-feedback knows it then. 404 where there is none.
 */
async function decisionOf(
  context: GatewayContext,
  body: FeedbackBody,
  asker: Asker,
): Promise<RouteDecided | undefined> {
  const known = context.recent.get(body.decisionId) ?? (await decisionUnderWay(context, body.decisionId));
  if (known) return known;
  const { maxScannedRecords, maxReportScannedRecords } = context.settings;
  const maxRecords = body.model === null ? maxScannedRecords : maxReportScannedRecords;
  const routingKey = body.routingKey ?? context.recent.routingKeyOf(body.decisionId);
  const { decision, searchedAll } = await context.lookup.find(body.decisionId, routingKey, maxRecords);
  if (decision) return decision;
  if (searchedAll) throw noDecision(asker, body);
  return undefined;
}

function noDecision(asker: Asker, { decisionId, routingKey }: FeedbackBody): HttpError {
  const id = JSON.stringify(outerId(asker, decisionId));
  const which = routingKey === null ? '' : ' with this routingKey';
  return new HttpError('not_found', `decisionId: there is no decision ${id}${which}`, 'decisionId');
}

/**
 * What an earlier life of this gateway was told of the decision, from the newest outcomes of the log: a contradiction is
 * answered as one after a restart, too. What other gateways were told since is known to reward-feedback alone.
 */
async function recallReports(
  { reported, recent, lookup, settings, startedAtMs }: GatewayContext,
  { decisionId, routingKey }: FeedbackBody,
  decision: RouteDecided | undefined,
): Promise<void> {
  if (reported.isKnown(decisionId) || (decision && decision.decidedAtMs >= startedAtMs)) return;
  const key = decision?.routingKey ?? routingKey ?? recent.routingKeyOf(decisionId) ?? decisionId;
  reported.know(decisionId, await lookup.reports(decisionId, key, settings.maxRecalledOutcomes));
}

/** Undefined when nobody waits for it here, or when it does not come. */
async function decisionUnderWay(context: GatewayContext, decisionId: string): Promise<RouteDecided | undefined> {
  try {
    return await context.underWay.get(decisionId)?.decided;
  } catch {
    // Whoever asked for the decision hears why there is none.
    return undefined;
  }
}

function toOutcome(context: GatewayContext, body: FeedbackBody, decision: RouteDecided | undefined): RouteOutcome {
  const model =
    body.model ?? (body.attempt === null ? answeringModel(context, body.decisionId) : null) ?? decision?.model;
  if (model === undefined)
    throw invalidField('model', 'is required: the decision is not among the newest, so its model is not known');
  if (decision) refuseOtherModel(decision, model);
  const attempt = body.attempt ?? (decision ? attemptOf(decision, model) : 1);
  if (decision) refuseOtherAttempt(decision, model, attempt);
  const said = wholeOf(context.reported.of(body.decisionId).filter((report) => report.attempt === attempt));
  return {
    ...body,
    model,
    attempt,
    status: body.status ?? said?.status ?? 'SUCCESS',
    // The decision knows better than the caller: under another key the two would never meet.
    routingKey: decision?.routingKey ?? body.routingKey ?? context.recent.routingKeyOf(body.decisionId),
    occurredAtMs: body.occurredAtMs ?? context.clock.nowMs(),
  };
}

/** The fallback that answered where this gateway made the call itself: whoever judges the answer means that one. */
function answeringModel(context: GatewayContext, decisionId: string): string | null {
  const own = context.reported
    .of(decisionId)
    .filter(({ source }) => source === callSource || source === mechanicalSource);
  return own.find(({ status, attempt }) => status === 'SUCCESS' && attempt > 1)?.model ?? null;
}

/** What was decided can be reported, whatever the configuration has become since; what was not has no say in it. */
function refuseOtherModel(decision: RouteDecided, model: string): void {
  const decided = [decision.model, ...decision.fallbacks.map((fallback) => fallback.model)];
  if (decided.includes(model)) return;
  const hint = suggestName(model, decided);
  throw invalidField('model', `"${model}" is neither the decided model nor one of the decision's fallbacks${hint}`);
}

/** Only attempt 1 of the decided model is learned from as a reward, and a fallback in its place would keep it out. */
function refuseOtherAttempt(decision: RouteDecided, model: string, attempt: number): void {
  if ((model === decision.model) === (attempt === 1)) return;
  const which = model === decision.model ? 'the decided model, which is attempt 1' : 'a fallback, which is 2 or more';
  throw invalidField('attempt', `is ${attempt}, but "${model}" is ${which}; leave it out and it is found`);
}

/** Takes the report into account before it is sent, so that of two contradicting ones at once only one gets through. */
function take(context: GatewayContext, outcome: RouteOutcome): void {
  const merged = context.reported.take(outcome);
  if (merged.kind === 'refused') throw invalidField(merged.field, merged.reason);
  if (merged.kind === 'contradiction')
    throw new HttpError('conflict', `${merged.field}: ${merged.reason}`, merged.field);
}
