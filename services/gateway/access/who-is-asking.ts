/**
 * On whose behalf a request is made. Every route asks here and nowhere else: a key, a token of an issuer, or nobody we know,
 * who may something only where that was asked for by name or where nobody but this machine reaches the port.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isKey, keyIdOf, looksLikeKey } from '../../../lib/access/key-secret';
import { type KeyRows, knownKey, stateOf } from '../../../lib/access/known-keys';
import type { Role } from '../../../lib/access/roles';
import type { AccessConfig } from '../../../lib/config/access-config';
import type { Clock } from '../../../lib/ports/clock';
import { labelFault } from '../../../lib/topics/identifiers';
import type { Anonymous } from '../config';
import { HttpError, invalidField } from '../http/http-error';
import type { TokenVerifier } from './verify-token';

export interface Asker {
  /** For records and messages, such as `key 0a1b2c3d4e5f (ci)`; how sure that is follows from how it came about. */
  readonly who: string;
  readonly isAnonymous: boolean;
  /** Null: may nothing. */
  readonly role: Role | null;
  readonly tenantId: string | null;
  /** Null where all that the role may. */
  readonly models: readonly string[] | null;
  readonly presets: readonly string[] | null;
  readonly routes: readonly string[] | null;
  /** What feedback may name as its source; null: anything. */
  readonly sources: readonly string[] | null;
  readonly limit: RateLimit | null;
}

export interface RateLimit {
  /** Whose bucket it is. */
  readonly key: string;
  readonly requestsPerMinute: number;
  readonly burst: number;
}

const unlimited = { models: null, presets: null, routes: null, sources: null, limit: null } as const;

/** Somebody who has said nothing of himself, at a route that does not ask. */
export const nobody: Asker = { who: 'nobody', isAnonymous: true, role: null, tenantId: null, ...unlimited };

export interface IdentifyParts {
  readonly keys: KeyRows & { values(): Iterable<unknown> };
  readonly tokens: TokenVerifier;
  readonly access: () => AccessConfig | null;
  readonly anonymous: Anonymous;
  readonly clock: Clock;
  /** False where the keys there are cannot be known now: then none is good, and nobody is let in because there are none. */
  readonly knowsKeys: boolean;
}

export interface Asking {
  readonly headers: IncomingHttpHeaders;
  /** Whether only this machine reaches the port it came by. */
  readonly isLoopback: boolean;
}

export interface Identifier {
  /** Rejects with an HttpError (401, 403) for a credential that is not good, and without one where one is needed. */
  identify(asking: Asking): Promise<Asker>;
  /** Why nobody needs a credential at such a port now, and what he may then; null where one is needed. */
  anonymousRole(isLoopback: boolean): { readonly role: Role; readonly why: 'by name' | 'loopback' } | null;
}

/** Compared with when there is no such key, so that nobody can tell by the time it takes. */
const noHash = Buffer.alloc(32);
const maxCredentialChars = 8_192;

export function createIdentifier({ keys, tokens, access, anonymous, clock, knowsKeys }: IdentifyParts): Identifier {
  const byKey = (credential: string): Asker => {
    if (!knowsKeys) throw unknownKeys();
    const keyId = keyIdOf(credential);
    const key = keyId === null ? null : knownKey(keys, keyId);
    if (!isKey(credential, key?.hash ?? noHash) || !key || keyId === null)
      throw new HttpError('unauthenticated', 'the key is not one of this gateway');
    const state = stateOf(key, clock.nowMs());
    if (state !== 'valid') throw new HttpError('unauthenticated', `the key is ${state}`);
    const { name, role, tenantId, models, presets, routes, sources, requestsPerMinute } = key;
    const limit = requestsPerMinute !== null && {
      key: `key:${keyId}`,
      requestsPerMinute,
      burst: key.burst ?? Math.max(1, Math.ceil(requestsPerMinute)),
    };
    return {
      ...{ who: `key ${keyId} (${name})`, isAnonymous: false, role, tenantId, models, presets, routes, sources },
      limit: limit || null,
    };
  };

  const anonymousRole: Identifier['anonymousRole'] = (isLoopback) => {
    if (anonymous === 'never') return null;
    if (anonymous !== 'loopback') return { role: anonymous, why: 'by name' };
    // Whoever has made a key, be it a revoked one, means to know his callers.
    const isOpen =
      isLoopback && knowsKeys && !hasAny(keys.values()) && Object.keys(access()?.issuers ?? {}).length === 0;
    return isOpen ? { role: 'admin', why: 'loopback' } : null;
  };

  return {
    anonymousRole,
    async identify({ headers, isLoopback }) {
      const credential = credentialIn(headers);
      if (credential !== null && looksLikeKey(credential)) return byKey(credential);
      if (credential !== null && tokens.isConfigured() && looksLikeToken(credential))
        return { ...unlimited, isAnonymous: false, ...(await tokens.verify(credential)) };
      const open = anonymousRole(isLoopback);
      if (open) {
        refuseOtherPages(headers, isLoopback, access()?.cors.origins ?? []);
        return { ...unlimited, who: 'anonymous', isAnonymous: true, role: open.role, tenantId: null };
      }
      if (!knowsKeys && isLoopback && anonymous === 'loopback') throw unknownKeys();
      throw new HttpError(
        'unauthenticated',
        credential === null
          ? 'send a key as Authorization: Bearer or as x-api-key; quantum-router keys create makes one'
          : 'this is neither a key of this gateway nor a token of an issuer that it knows',
      );
    },
  };
}

function unknownKeys(): HttpError {
  return new HttpError(
    'not_ready',
    'not ready: the log cannot be reached, and without it nobody knows which keys there are (STANDBY_FILE keeps a copy; HTTP_ANONYMOUS lets in who has none)',
  );
}

function hasAny(values: Iterable<unknown>): boolean {
  for (const _value of values) return true;
  return false;
}

/**
 * What a client says of itself, in any of three headers (`api-key` is Azure's): libraries differ in which they use, and some have a
 * placeholder in another one. Null where there is nothing.
 */
function credentialIn(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  const named = [headers['x-api-key'], headers['api-key']].filter((one) => typeof one === 'string' && one !== '');
  const given = [...(bearer === null ? [] : [bearer]), ...(named as string[])];
  if (given.some((one) => one.length > maxCredentialChars))
    throw new HttpError('unauthenticated', `a key or a token has at most ${maxCredentialChars} characters`);
  const ours = [...new Set(given.filter((one) => looksLikeKey(one) || looksLikeToken(one)))];
  if (ours.length > 1)
    throw new HttpError(
      'unauthenticated',
      'Authorization, x-api-key and api-key say different things: send one of them',
    );
  return ours[0] ?? given[0] ?? null;
}

function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

/**
 * A page in a browser on this machine reaches what only this machine reaches. It cannot read answers of another origin, but
 * it can ask; and with a name of its own that leads here it could do both.
 */
function refuseOtherPages(headers: IncomingHttpHeaders, isLoopback: boolean, origins: readonly string[]): void {
  const { host, origin } = headers;
  if (isLoopback && host !== undefined && isNameOfOthers(hostnameOf(host)))
    throw new HttpError('forbidden', 'Host: without a key this port answers to names of this machine alone', 'host');
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return;
  if (host !== undefined && isSameHost(origin, host)) return;
  throw new HttpError('forbidden', 'pages of this origin may not call without a key (access.cors.origins)');
}

/** Either may leave out the port that goes without saying. */
function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: ofOrigin } = new URL(origin);
  const asAddress = `${protocol}//${host}`;
  return ofOrigin !== '' && URL.canParse(asAddress) && new URL(asAddress).host === ofOrigin;
}

function hostnameOf(host: string): string {
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** A name that anybody can have lead here: addresses mean themselves, and names without a dot are of this network. */
function isNameOfOthers(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name.includes('.') && isIP(name) === 0 && !name.endsWith('.localhost') && name !== 'host.docker.internal';
}

/** Whether an address to listen on, or a name that somebody uses, is of this machine alone. */
export function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
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
