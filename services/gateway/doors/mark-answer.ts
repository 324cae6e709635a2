/** What an answer says of how it came about: in its headers, and in a field of ours at the end of its body. */
import type { FastifyReply } from 'fastify';
import type { Bill } from '../../../lib/providers/bill-call';
import type { ModelOrder } from './ask-engine';
import type { Answer, Attempt } from './call-models';
import type { DoorCall } from './read-call';
import { renamerTo, renames } from './rename-answer';

/** What an answer says of how it came about. */
export interface Served {
  readonly requestId: string;
  readonly order: ModelOrder;
  readonly overheadMs: number;
  /** Null where no model was called. */
  readonly attempt: Attempt | null;
}

export function markHeaders(
  reply: FastifyReply,
  served: Served & { readonly bill: Bill | null },
  answer?: Answer,
): void {
  const { requestId, order, overheadMs, attempt, bill } = served;
  reply.header('x-quantum-decision-id', requestId);
  // Where client libraries look for what to ask their provider about: OpenAI's in the first, Anthropic's in the second.
  reply.header('x-request-id', requestId).header('request-id', requestId);
  reply.header('x-quantum-overhead-ms', overheadMs.toFixed(1));
  if (order.degraded) reply.header('x-quantum-degraded', order.degraded);
  if (attempt) {
    reply.header('x-quantum-model', headerText(attempt.model.name));
    reply.header('x-quantum-provider', headerText(attempt.model.provider));
    reply.header('x-quantum-attempt', String(attempt.number));
  }
  if (bill && bill.costUsd !== null) reply.header('x-quantum-cost-usd', plainNumber(bill.costUsd));
  if (answer?.upstreamRequestId) reply.header('x-quantum-upstream-request-id', answer.upstreamRequestId);
}

/** Names may be of any script, headers of none but ours. */
export function headerText(name: string): string {
  return /^[\x21-\x7e]+$/.test(name) ? name : encodeURIComponent(name);
}

function plainNumber(usd: number): string {
  return usd.toFixed(12).replace(/\.?0+$/, '');
}

export function markOf({ requestId, order, overheadMs }: Served, bill: Bill, { model, number, facts }: Attempt) {
  return {
    decisionId: requestId,
    model: model.name,
    provider: model.provider,
    answeredBy: facts.model,
    attempt: number,
    degraded: order.degraded,
    overheadMs: Math.round(overheadMs * 10) / 10,
    costUsd: bill.costUsd,
  };
}

/**
 * The answer as it came but for its id, which becomes the decision's, and a field of ours at its end. The text is spliced and
 * not written anew, so that nothing of it changes. Ids of responses stay: their provider is asked for them again.
 */
export function withMark(text: string, { api }: DoorCall, mark: ReturnType<typeof markOf>, { facts }: Attempt): string {
  const renamed = renames(api) ? renamerTo(mark.decisionId)(text, facts.id) : text;
  const end = renamed.lastIndexOf('}');
  return `${renamed.slice(0, end)},"quantum_router":${JSON.stringify(mark)}}`;
}
