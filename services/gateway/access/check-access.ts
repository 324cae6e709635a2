/** Holds routes and askers against the table of who may use what: a route without an entry does not start, nor does an entry without a route. */
import { type Access, accessTable } from '../../../lib/access/access-table';
import { isConfined, type Role, rightsOf, roles } from '../../../lib/access/roles';
import type { Endpoint } from '../endpoint';
import { HttpError } from '../http/http-error';
import type { Asker } from './who-is-asking';

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
