/**
 * Ids of tenants have a space of their own: what a caller calls `a` is `@tenant/a` in the log. So nobody can see, block or
 * claim what another tenant named, by construction and not by a check: he has no way to write its name. Whoever looks after
 * the whole installation writes ids as they are in the log.
 */
import { isConfined } from '../../../lib/access/roles';
import type { RouteDecided } from '../../../lib/topics/generated/messages';
import { idFault, maxIdChars } from '../../../lib/topics/identifiers';
import { HttpError, invalidField } from '../http/http-error';
import type { Asker } from './who-is-asking';

type Of = Pick<Asker, 'role' | 'tenantId'>;

const mark = '@';

function isConfinedAsker({ role }: Of): boolean {
  return role === null || isConfined(role);
}

/** The id as it is in the log. Throws an HttpError that names the field where it cannot be one. */
export function innerId(asker: Of, field: string, id: string): string {
  if (!isConfinedAsker(asker)) return id;
  const prefix = prefixOf(asker);
  if (prefix === null) {
    if (id.startsWith(mark)) throw invalidField(field, `must not begin with "${mark}", as ids of tenants do`);
    return id;
  }
  const inner = prefix + id;
  if (idFault(inner) !== null && idFault(id) === null)
    throw invalidField(field, `must be at most ${maxIdChars - prefix.length} characters long for this tenant`);
  return inner;
}

/** The id as this asker wrote it. */
export function outerId(asker: Of, id: string): string {
  const prefix = isConfinedAsker(asker) ? prefixOf(asker) : null;
  return prefix !== null && id.startsWith(prefix) ? id.slice(prefix.length) : id;
}

function prefixOf({ tenantId }: Of): string | null {
  return tenantId === null ? null : `${mark}${tenantId}/`;
}

/** Whether this asker may know of a decision at all. */
export function owns(asker: Of, { tenantId }: Pick<RouteDecided, 'tenantId'>): boolean {
  return !isConfinedAsker(asker) || tenantId === asker.tenantId;
}

/** Whether an id that this asker writes can be nobody else's, found or not. */
export function hasOwnIds(asker: Of): boolean {
  return !isConfinedAsker(asker) || asker.tenantId !== null;
}

/** A decision as this asker may see it. */
export function outerDecision(asker: Of, decision: RouteDecided): RouteDecided {
  const outer = (id: string): string => outerId(asker, id);
  return {
    ...decision,
    requestId: outer(decision.requestId),
    decisionId: outer(decision.decisionId),
    routingKey: outer(decision.routingKey),
    sessionId: decision.sessionId === null ? null : outer(decision.sessionId),
  };
}

/** The tenant of what is asked. `given` is what the request itself says, in this field. Throws an HttpError for another's. */
export function tenantOf(asker: Of, given: string | null, field: string): string | null {
  if (!isConfinedAsker(asker)) return given;
  if (given === null || given === '' || given === asker.tenantId) return asker.tenantId;
  const own = asker.tenantId === null ? 'none' : `"${asker.tenantId}"`;
  throw new HttpError('forbidden', `${field}: the tenant is that of who asks (${own}); leave it out`, field);
}
