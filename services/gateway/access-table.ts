/**
 * Who may use which route: the one place that decides. A route without an entry does not start, nor does an entry without a
 * route.
 */
import { isConfined, type Right, type Role, rightsOf, roles } from '../../lib/access/roles';
import type { Asker } from './doors/who-is-asking';
import type { Endpoint } from './endpoint';
import { HttpError } from './http-error';

export interface Access {
  /** One of these rights is needed; none: anybody may. */
  readonly rights: readonly Right[];
  /** It shows or changes what is of no single tenant: whoever is bound to one may not. */
  readonly isOfInstallation: boolean;
  /** It tells askers of themselves: a key that is for other routes alone may ask it all the same. */
  readonly isOfAsker?: boolean;
}

const anybody: Access = { rights: [], isOfInstallation: false };
const callers: Access = { rights: ['call'], isOfInstallation: false };
const callersAndViewers: Access = { rights: ['call', 'view'], isOfInstallation: false };
/** Every role has one of these rights. */
const anyKey: Access = { ...callersAndViewers, isOfAsker: true };
/** Of a tenant, too: the route itself looks whose it is. */
const viewersOfTenants: Access = { rights: ['view'], isOfInstallation: false };
const viewers: Access = { rights: ['view'], isOfInstallation: true };
const operators: Access = { rights: ['operate'], isOfInstallation: true };
const admins: Access = { rights: ['administer'], isOfInstallation: true };

/** By method and path, as endpoints are declared. */
const accessTable: ReadonlyMap<string, Access> = new Map([
  ['POST /v1/chat/completions', callers],
  ['POST /v1/messages', callers],
  ['POST /v1/messages/count_tokens', callers],
  ['POST /v1/responses', callers],
  ['GET /v1/responses/{id}', callers],
  ['DELETE /v1/responses/{id}', callers],
  ['POST /v1/responses/{id}/cancel', callers],
  ['GET /v1/responses/{id}/input_items', callers],
  ['POST /v1/embeddings', callers],
  ['POST /v1/route', callers],
  ['POST /v1/quantum/route', callers],
  ['POST /v1/feedback', callers],
  ['GET /v1/decisions/{id}', callersAndViewers],
  ['GET /v1/decisions/{id}/answer', viewersOfTenants],
  ['GET /v1/models', callersAndViewers],
  ['GET /v1/models/{id}', callersAndViewers],
  ['GET /v1/weights', viewers],
  ['GET /v1/weights/{policySha256}', viewers],
  ['POST /v1/weights/promote', operators],
  ['POST /v1/weights/rollback', operators],
  ['POST /v1/weights/forget', operators],
  ['GET /v1/learning/policy', viewers],
  ['GET /v1/config', viewers],
  ['PUT /v1/config', operators],
  ['POST /v1/config/check', viewers],
  ['POST /v1/config/replay', viewers],
  ['GET /v1/config/history', viewers],
  ['GET /v1/config/history/{version}', viewers],
  ['GET /v1/config/diff', viewers],
  ['POST /v1/config/rollback', operators],
  ['GET /v1/experiments', viewers],
  ['GET /v1/experiments/{name}', viewers],
  ['POST /v1/experiments', operators],
  ['GET /v1/shadows', viewers],
  ['POST /v1/shadows', operators],
  ['GET /v1/budgets', viewers],
  ['GET /v1/alerts', viewers],
  ['POST /v1/alerts/silences', operators],
  ['GET /v1/analytics', viewers],
  ['POST /v1/analytics', viewers],
  ['GET /v1/analytics/counterfactuals', viewers],
  ['GET /v1/decisions/{id}/outcomes', viewers],
  ['GET /v1/decisions/{id}/trace', viewers],
  ['POST /v1/decisions/{id}/recompute', viewers],
  ['GET /v1/live', viewers],
  ['GET /v1/me', anyKey],
  ['GET /v1/keys', admins],
  ['POST /v1/keys', admins],
  ['POST /v1/keys/{id}/revoke', admins],
  ['POST /v1/keys/{id}/rotate', admins],
  ['GET /v1/audit', admins],
  // The page is no secret: what it shows is asked for with the key that it is given.
  ['GET /', anybody],
  ['GET /dashboard/app.js', anybody],
  ['GET /dashboard/app.css', anybody],
  ['GET /health', anybody],
  ['GET /ready', anybody],
  ['GET /metrics', viewers],
  ['GET /openapi.json', anybody],
]);

type Named = Pick<Endpoint, 'method' | 'path'>;

const nameOf = ({ method, path }: Named): string => `${method} ${path}`;

export function accessOf(endpoint: Named): Access {
  const access = accessTable.get(nameOf(endpoint));
  // Never served without: `mustCover` has looked before.
  if (!access) throw new Error(`${nameOf(endpoint)} has no entry in access-table.ts: who may use it?`);
  return access;
}

/** Throws where the table and the routes are not the same. */
export function mustCover(endpoints: readonly Named[]): void {
  for (const endpoint of endpoints) accessOf(endpoint);
  const served = new Set(endpoints.map(nameOf));
  const idle = [...accessTable.keys()].filter((name) => !served.has(name));
  if (idle.length > 0) throw new Error(`access-table.ts has entries that no route has: ${idle.join(', ')}`);
}

/** Whether it stays on the port of callers where administration has one of its own. */
export function isForCallers({ rights }: Access): boolean {
  return rights.length === 0 || rights.includes('call');
}

export function isForAnybody({ rights }: Access): boolean {
  return rights.length === 0;
}

/** Throws an HttpError (403) where this asker may not use this route. */
export function refuseUnlessAllowed(access: Access, path: string, asker: Asker): void {
  const refusal = refusalOf(access, path, asker);
  if (refusal !== null) throw new HttpError('forbidden', refusal);
}

/** Why this asker may not use this route; null where he may. */
function refusalOf(access: Access, path: string, { role, tenantId, routes }: Asker): string | null {
  if (isForAnybody(access)) return null;
  if (role === null || !mayUse(role, access))
    return `the role ${role ?? 'none'} may not do this: it takes the right to ${access.rights.join(' or ')}`;
  if (access.isOfInstallation && isConfined(role) && tenantId !== null)
    return 'this is of the whole installation, and not for a key of a tenant';
  if (routes !== null && !access.isOfAsker && !routes.includes(path))
    return `this key is for ${routes.slice(0, 10).join(', ')} alone`;
  return null;
}

function mayUse(role: Role, access: Access): boolean {
  return isForAnybody(access) || access.rights.some((right) => rightsOf(role).includes(right));
}

export interface Operation {
  /** Method and path, as the OpenAPI document has them. */
  readonly name: string;
  /** Those that may use it, where nothing narrows their keys further. */
  readonly roles: readonly Role[];
  /** Why this asker may not, in words; null where he may. */
  readonly refusal: string | null;
}

/** Everything there is, and what of it this asker may use at a port. */
export function operationsOf(asker: Asker, port: { readonly isOfCallersAlone: boolean }): Operation[] {
  return [...accessTable].map(([name, access]) => ({
    name,
    roles: roles.filter((role) => mayUse(role, access)),
    refusal:
      port.isOfCallersAlone && !isForCallers(access)
        ? 'administration has a port of its own'
        : refusalOf(access, name.slice(name.indexOf(' ') + 1), asker),
  }));
}

/** Whether this asker may see what is of no single tenant. */
export function maySeeInstallation(asker: Asker): boolean {
  const { role, tenantId } = asker;
  return role !== null && rightsOf(role).includes('view') && tenantId === null;
}
