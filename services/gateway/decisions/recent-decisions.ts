/** The decisions this gateway handed out lately: for repeated requests, look-ups by id, and the routing keys of outcomes. */
import { newestEntries } from '../../../lib/newest-entries';
import type { RouteDecided } from '../../../lib/topics/generated/messages';

export interface RecentDecisions {
  /** The first decision of a request is kept; later ones are ignored. */
  add(decision: RouteDecided): void;
  get(decisionId: string): RouteDecided | undefined;
  /** Null when unknown: the decision had no session (its key is its id then), or is too long ago. */
  routingKeyOf(decisionId: string): string | null;
}

export function createRecentDecisions(limits: { maxRecentDecisions: number; maxRoutingKeys: number }): RecentDecisions {
  // What is only peeked at goes in the order it came.
  const decisions = newestEntries<string, RouteDecided>(limits.maxRecentDecisions);
  const routingKeys = newestEntries<string, string>(limits.maxRoutingKeys);
  return {
    add(decision) {
      const id = decision.decisionId;
      if (decisions.has(id)) return;
      decisions.set(id, decision);
      if (decision.routingKey !== id) routingKeys.set(id, decision.routingKey);
    },
    get: (decisionId) => decisions.peek(decisionId),
    routingKeyOf: (decisionId) => routingKeys.peek(decisionId) ?? null,
  };
}
