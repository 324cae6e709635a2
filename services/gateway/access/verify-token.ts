/**
 * OIDC bearer tokens: signed by a key of an issuer that the configuration names, for us, and still good. What its claims
 * mean here the configuration says. The cryptography is that of `jose`.
 */
import { createHash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { type Role, rightsOf, roles, tenantPattern } from '../../../lib/access/roles';
import type { AccessConfig, IssuerConfig } from '../../../lib/config/access-config';
import { ownEntry } from '../../../lib/dictionary';
import type { Clock } from '../../../lib/ports/clock';
import { codePointsOf, labelFault, maxIdChars } from '../../../lib/topics/identifiers';
import { HttpError } from '../http/http-error';
import { createIssuerKeys } from './issuer-keys';

export interface VerifiedToken {
  readonly who: string;
  readonly role: Role;
  readonly tenantId: string | null;
  /** Feedback reports under this name. */
  readonly sources: readonly string[];
}

export interface TokenVerifier {
  /** Whether there is an issuer at all. */
  isConfigured(): boolean;
  /** Rejects with an HttpError: 401 for what is not good, 403 without a role or tenant, 503 where the keys cannot be had. */
  verify(token: string): Promise<VerifiedToken>;
}

export interface TokenVerifierParts {
  readonly access: () => AccessConfig | null;
  readonly clock: Clock;
  /** Keys that are not known are asked for at most so often: anybody may send a token with any key id. */
  readonly jwksCooldownMs: number;
}

/** Together they are a name of at most `maxIdChars`. */
const maxIssuerChars = 40;
const maxSubjectChars = maxIdChars - maxIssuerChars - 1;
const clockToleranceSeconds = 30;

export function createTokenVerifier({ access, clock, jwksCooldownMs }: TokenVerifierParts): TokenVerifier {
  /** By issuer and place of its keys, so that a changed configuration begins anew. */
  const keySets = new Map<string, JWTVerifyGetKey>();

  const keySetOf = ({ issuer, jwksUri }: IssuerConfig): JWTVerifyGetKey => {
    const name = JSON.stringify([issuer, jwksUri]);
    const known = keySets.get(name);
    if (known) return known;
    const made = createIssuerKeys({ issuer, jwksUri, clock, cooldownMs: jwksCooldownMs });
    // As many as a configuration names; those of earlier ones go.
    if (keySets.size >= 32) keySets.clear();
    keySets.set(name, made);
    return made;
  };

  return {
    isConfigured: () => Object.keys(access()?.issuers ?? {}).length > 0,
    async verify(token) {
      const found = Object.entries(access()?.issuers ?? {}).find(([, { issuer }]) => issuer === issuerOf(token));
      if (!found) throw refused('its issuer is not known here');
      const [name, issuer] = found;
      const payload = await verified(token, issuer, keySetOf(issuer), clock.nowMs());
      const role = roleOf(payload, issuer);
      const who = `${nameFor(name, maxIssuerChars)}/${nameFor(subjectOf(payload), maxSubjectChars)}`;
      return { who, role, tenantId: tenantIn(payload, role, issuer), sources: [who] };
    },
  };
}

/** As the token claims; nothing of it is believed before its signature is checked. */
function issuerOf(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    throw refused('it is none');
  }
}

async function verified(
  token: string,
  { issuer, audience, algorithms }: IssuerConfig,
  keys: JWTVerifyGetKey,
  nowMs: number,
): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    issuer,
    audience,
    algorithms: [...algorithms],
    requiredClaims: ['exp'],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(nowMs),
  };
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw whyRefused(error);
    return byOneOf(error, token, options);
  }
}

/** A token need not say which key has signed it, and an issuer that exchanges its keys has two. */
async function byOneOf(
  candidates: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of candidates) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw whyRefused(error);
    }
  }
  throw refused('its signature is wrong');
}

function whyRefused(error: unknown): HttpError {
  if (error instanceof errors.JWTExpired) return refused('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its claim ${error.claim} is not as it must be`);
  if (error instanceof errors.JOSEAlgNotAllowed) return refused('its algorithm is not one that is taken');
  if (error instanceof errors.JWKSNoMatchingKey) return refused('its issuer has no such key');
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('its signature is wrong');
  const isOfToken =
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JOSENotSupported;
  if (isOfToken) return refused('it is none that can be checked');
  // No answer of the issuer, or none with keys.
  return new HttpError('not_ready', 'the keys of the issuer cannot be had at the moment; try again later');
}

function refused(why: string): HttpError {
  return new HttpError('unauthenticated', `the token is not taken: ${why}`);
}

/** Whom the token is of: the client that it was given to where it is no person's. One that names neither is refused: all such would be one subject. */
function subjectOf({ sub, client_id: clientId, azp }: JWTPayload): string {
  if (typeof sub === 'string' && sub !== '') return sub;
  for (const client of [clientId, azp]) if (typeof client === 'string' && client !== '') return `client:${client}`;
  throw refused('it does not say whose it is (claim sub)');
}

/** A text as records may have it: itself, or its digest where it could be no name. Cut off, two that begin alike would be one. */
function nameFor(text: string, maxChars: number): string {
  if (codePointsOf(text) <= maxChars && labelFault(text) === null) return text;
  return `sha256:${createHash('sha256').update(JSON.stringify(text)).digest('hex').slice(0, 32)}`;
}

/** Of all roles that the claim gives the one with the most rights. */
function roleOf(payload: JWTPayload, { roleClaim, roles: given, defaultRole }: IssuerConfig): Role {
  const value = claimOf(payload, roleClaim);
  const words = Array.isArray(value) ? value : typeof value === 'string' ? value.split(' ') : [];
  const held = words.flatMap((word) => (typeof word === 'string' ? [ownEntry(given, word)] : []));
  const best = roles
    .filter((role) => held.includes(role))
    .reduce<Role | null>((most, role) => (most && rightsOf(most).length > rightsOf(role).length ? most : role), null);
  const role = best ?? defaultRole;
  if (role === null) throw new HttpError('forbidden', `the token gives no role here (claim ${roleClaim})`);
  return role;
}

function tenantIn(payload: JWTPayload, role: Role, { tenantClaim }: IssuerConfig): string | null {
  if (tenantClaim === null || role === 'operator' || role === 'admin') return null;
  const tenant = claimOf(payload, tenantClaim);
  if (typeof tenant === 'string' && tenantPattern.test(tenant)) return tenant;
  throw new HttpError('forbidden', `the token names no tenant that can be one (claim ${tenantClaim})`);
}

/** By its whole name first: names of claims may have dots themselves. */
function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let at: unknown = payload;
  for (const step of name.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}
