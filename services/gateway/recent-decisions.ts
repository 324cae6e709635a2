/** The decisions this gateway handed out lately: for repeated requests, look-ups by id, and the routing keys of outcomes. */
import type { RouteDecided } from '../../lib/topics/generated/messages';

export interface RecentDecisions {
  /** The first decision of a request is kept; later ones are ignored. */
  add(decision: RouteDecided): void;
  get(decisionId: string): RouteDecided | undefined;
  /** Null when unknown: the decision had no session (its key is its id then), or is too long ago. */
  routingKeyOf(decisionId: string): string | null;
}

export function createRecentDecisions(limits: { maxRecentDecisions: number; maxRoutingKeys: number }): RecentDecisions {
  // A Map iterates in order of insertion, so the first key is the oldest.
  const decisions = new Map<string, RouteDecided>();
  const routingKeys = new Map<string, string>();
  return {
    add(decision) {
      const id = decision.decisionId;
      if (decisions.has(id)) return;
      setBounded(decisions, id, decision, limits.maxRecentDecisions);
      if (decision.routingKey !== id) setBounded(routingKeys, id, decision.routingKey, limits.maxRoutingKeys);
    },
    get: (decisionId) => decisions.get(decisionId),
    routingKeyOf: (decisionId) => routingKeys.get(decisionId) ?? null,
  };
}

function setBounded<V>(map: Map<string, V>, key: string, value: V, maxRows: number): void {
  map.set(key, value);
  if (map.size <= maxRows) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
