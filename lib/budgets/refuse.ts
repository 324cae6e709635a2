/** The record that says a budget does not allow a request. Intake writes it where nobody need be asked, collapse where somebody was. */
import { replyToHeader } from '../client/router-client';
import { type Emit, emit } from '../stream/define-service';
import type { RouteOpened, RouteRefused } from '../topics/generated/messages';
import { topics } from '../topics/topics';

export type RefusalCode = 'budget_exhausted' | 'budget_approval_needed' | 'budget_unknown';

type OfRequest = Pick<RouteOpened, 'requestId' | 'sessionId' | 'tenantId' | 'routingKey' | 'replyTo' | 'contentHash'>;

export function refuse(
  request: OfRequest,
  why: Pick<RouteRefused, 'account' | 'reason' | 'retryAtMs'> & { readonly code: RefusalCode },
  nowMs: number,
): Emit {
  const { requestId, sessionId, tenantId, routingKey, replyTo, contentHash } = request;
  const refused: RouteRefused = {
    requestId,
    sessionId,
    tenantId,
    routingKey,
    replyTo,
    contentHash,
    ...why,
    refusedAtMs: nowMs,
  };
  return emit(topics.routeRefused, refused, replyTo === null ? {} : { headers: { [replyToHeader]: replyTo } });
}
