/** Who may use which route of the gateway: the one place that decides. */
import type { Right } from './roles';

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
export const accessTable: ReadonlyMap<string, Access> = new Map([
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

/** Paths of routes, as a key may be narrowed to them. */
export const routePaths: readonly string[] = [
  ...new Set([...accessTable.keys()].map((name) => name.slice(name.indexOf(' ') + 1))),
];
