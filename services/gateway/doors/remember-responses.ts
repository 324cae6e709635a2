/**
 * Which model gave a response that its provider keeps: whoever goes on from it need not know, and names `auto` again. Kept in memory,
 * so after a restart, or at another gateway, the model has to be named.
 */
export interface RememberedResponses {
  remember(tenantId: string | null, responseId: string, model: string): void;
  /** Null where it is not known. */
  modelOf(tenantId: string | null, responseId: string): string | null;
}

export function createRememberedResponses(maxRemembered = 20_000): RememberedResponses {
  // A Map iterates in order of insertion, so the first key is the oldest.
  const models = new Map<string, string>();
  const keyOf = (tenantId: string | null, responseId: string): string => JSON.stringify([tenantId, responseId]);
  return {
    remember(tenantId, responseId, model) {
      models.set(keyOf(tenantId, responseId), model);
      const oldest = models.keys().next();
      if (models.size > maxRemembered && !oldest.done) models.delete(oldest.value);
    },
    modelOf: (tenantId, responseId) => models.get(keyOf(tenantId, responseId)) ?? null,
  };
}
