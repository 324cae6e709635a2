/**
 * On whose behalf a call is made. Every door asks here and nowhere else: whoever reaches the port may use it today, and the
 * tenant is what the caller says; keys that name their tenant belong into this function.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { labelFault } from '../../../lib/topics/identifiers';
import { invalidField } from '../http-error';

export interface Asker {
  readonly tenantId: string | null;
}

export function whoIsAsking(headers: IncomingHttpHeaders): Asker {
  return { tenantId: nameIn(headers, 'x-quantum-tenant') };
}

/** A name that a header gives; null where it is absent. Throws an HttpError where it is no name. */
export function nameIn(headers: IncomingHttpHeaders, header: string): string | null {
  const given = headers[header];
  if (given === undefined || given === '') return null;
  const value = String(given);
  const fault = labelFault(value);
  if (fault !== null) throw invalidField(header, fault);
  return value;
}
