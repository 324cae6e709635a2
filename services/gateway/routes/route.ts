/** POST /v1/route: a request in, its decision out. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BudgetRefusedError, DecisionTimeoutError, RequestRefusedError } from '../../../lib/client/router-client';
import { TransientError } from '../../../lib/ports/broker';
import { within } from '../../../lib/ports/clock';
import { contentHashOf } from '../../../lib/topics/content-hash';
import type { RouteDecided, RouteRequested } from '../../../lib/topics/generated/messages';
import { allowedInScope } from '../access/check-scope';
import { innerId, outerDecision, outerId, owns, tenantOf } from '../access/tenant-ids';
import type { Asker } from '../access/who-is-asking';
import { checkRequest } from '../decisions/check-request';
import { routeOnce } from '../decisions/route-once';
import type { Endpoint, GatewayContext } from '../endpoint';
import { type RouteBody, routeBodySchema, toRequest } from '../http/body-schemas';
import { budgetRefused, HttpError, noEligibleCandidate } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';
import { contextOf } from '../trace-requests';

export function routeEndpoints(context: GatewayContext): Endpoint[] {
  const { clock, settings, underWay } = context;
  let wasReady = false;

  const refuseUnlessReady = (): void => {
    // Once ready, requests may wait in the log while a service restarts: the time-out protects the caller.
    const waitingFor = wasReady ? [] : context.waitingFor();
    if (waitingFor.length > 0) throw new HttpError('not_ready', `not ready yet: waiting for ${waitingFor.join(', ')}`);
    wasReady = true;
    if (underWay.size >= settings.maxInFlight) {
      throw new HttpError('overloaded', `${underWay.size} requests are waiting for their decision; try again later`);
    }
  };

  const handler = async (httpRequest: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { asker } = httpRequest;
    const given = readBody(routeBodySchema, httpRequest.body);
    const body = bodyOf(context, asker, given);
    const request = toRequest(body, body.requestId ?? innerId(asker, 'requestId', context.createId()), clock.nowMs());
    const { requestId } = request;
    const outerRequestId = outerId(asker, requestId);
    const send = (decision: RouteDecided): string => {
      ofSameContent(decision.contentHash, outerRequestId, contentHash);
      // One from before there was a hash says nothing of its content.
      if (!owns(asker, decision)) throw usedForOther(outerRequestId);
      return sendJson(reply, outerDecision(asker, decision));
    };
    const contentHash = contentHashOf(request);
    const earlier = body.requestId === undefined ? undefined : context.recent.get(requestId);
    if (earlier) return send(earlier);
    const sameUnderWay = body.requestId === undefined ? undefined : underWay.get(requestId);
    if (!sameUnderWay) refuseUnlessReady();
    else ofSameContent(sameUnderWay.contentHash(), outerRequestId, contentHash);
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    checkRequest(context, current, request);
    const timeoutMs = (request.threadTimeoutMs ?? current.config.threadTimeoutMs) + settings.decisionGraceMs;
    try {
      const deciding =
        sameUnderWay?.decided ??
        routeOnce(context, request, () => contentHash, timeoutMs, contextOf(httpRequest, requestId));
      const decided = await (body.requestId === undefined ? deciding : earlierOr(context, request, deciding));
      return send(decided);
    } catch (error) {
      const found = await recover(context, error, body.requestId, request);
      return send(found);
    }
  };

  const endpoint: Endpoint = {
    method: 'POST',
    path: '/v1/route',
    summary: 'Decides which model should answer a request.',
    description:
      'Waits for the decision of the engine. Exactly one of prompt, messages and features is given. The first request with an id is the only one decided: the same content again returns that decision, other content is a conflict. Conversations are taken in the shape that client libraries send; only their text is routed by.',
    body: { schemas: [routeBodySchema], required: true },
    responses: { 200: { doc: 'The decision.', body: { message: 'RouteDecided' } } },
    errors: [
      'malformed_json',
      'invalid_field',
      'no_eligible_candidate',
      'budget_exhausted',
      'budget_approval_needed',
      'budget_unknown',
      'conflict',
      'body_too_large',
      'unsupported_media_type',
      'not_ready',
      'overloaded',
      'decision_timeout',
    ],
    handler,
  };
  return [endpoint, { ...endpoint, path: '/v1/quantum/route', summary: 'The same as /v1/route.' }];
}

/** The body with ids, tenant and models as who asks may name them. */
function bodyOf(context: GatewayContext, asker: Asker, body: RouteBody): RouteBody {
  const inScope = (): RouteBody['limits'] => {
    const current = context.config();
    if (!current) throw new HttpError('not_ready', 'not ready: no configuration has been applied');
    const configured = current.config.models.map(({ name }) => name);
    return { ...body.limits, allowedModels: allowedInScope(asker, body.limits.allowedModels, configured) };
  };
  return {
    ...body,
    ...(body.requestId !== undefined && { requestId: innerId(asker, 'requestId', body.requestId) }),
    sessionId: body.sessionId === null ? null : innerId(asker, 'sessionId', body.sessionId),
    tenantId: tenantOf(asker, body.tenantId, 'tenantId'),
    limits: asker.models === null ? body.limits : inScope(),
  };
}

/** 409 when what was decided under this id, or is being, is another content. */
function ofSameContent(decided: string | null, requestId: string, asked: string): void {
  // Decisions from before there was a hash cannot be told apart.
  if (decided !== null && decided !== asked) throw usedForOther(requestId);
}

function usedForOther(requestId: string): HttpError {
  return new HttpError(
    'conflict',
    `requestId: ${JSON.stringify(requestId)} was used for a request with other content; use another id`,
    'requestId',
  );
}

/** A decision takes some hundredths of a second; one that takes so long may have been made before this gateway started. */
const lookAfterMs = 250;
/** With more requests waiting it is the engine that is slow, and looking would make it slower. */
const mostWaitingToLook = 32;

/** The decision that is being made, or the one that the log has of this id: whichever is there first. */
function earlierOr(
  { clock, lookup, settings, underWay }: GatewayContext,
  { requestId, sessionId }: RouteRequested,
  deciding: Promise<RouteDecided>,
): Promise<RouteDecided> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(lookAfterMs, () => {
      if (underWay.size > mostWaitingToLook) return;
      lookup.find(requestId, sessionId ?? requestId, settings.maxReportScannedRecords).then(
        ({ decision }) => decision && resolve(decision),
        // Then the time-out comes, and the log is asked once more.
        () => {},
      );
    });
    deciding.then(resolve, reject).finally(cancel);
  });
}

/** A request decided long ago is not decided again, so its decision is looked for before giving up. */
async function recover(
  context: GatewayContext,
  error: unknown,
  givenId: string | undefined,
  request: RouteRequested,
): Promise<RouteDecided> {
  if (error instanceof TransientError)
    throw new HttpError('not_ready', 'the log cannot be written at the moment; try again later');
  // What only intake could know: what a session has spent, or a configuration newer than ours.
  if (error instanceof BudgetRefusedError) throw budgetRefused(error.refused);
  if (error instanceof RequestRefusedError) throw noEligibleCandidate(error.field ?? '', error.reason);
  if (!(error instanceof DecisionTimeoutError)) throw error;
  const { clock, findDecision } = context;
  const found =
    givenId === undefined
      ? null
      : await within(clock, searchLimitMs, findDecision(givenId, request.sessionId ?? givenId), () => null);
  if (found) return found;
  throw new HttpError('decision_timeout', `${error.message}; no model was chosen`);
}

/** The caller has waited long enough already: a log that does not answer at once does not hold up the answer. */
const searchLimitMs = 500;
