/**
 * The public keys of one issuer, as it publishes them: fetched when they are first needed, anew after a while, and when a token names one
 * that is not known. What its endpoint does, or does not do, holds nobody up for longer than a time-out, and hardly anybody whose
 * keys are known.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { type Clock, within } from '../../../lib/ports/clock';
import { readAtMost } from '../../../lib/read-at-most';

export interface IssuerKeysParts {
  readonly issuer: string;
  /** Null: its discovery document says where. */
  readonly jwksUri: string | null;
  readonly clock: Clock;
  /** Asked for so often at most, be it in vain: anybody may send a token with any key id. */
  readonly cooldownMs: number;
  readonly timeoutMs?: number;
}

/** Keys are asked for anew after so long even when all are known: one that was withdrawn is forgotten then. */
const maxAgeMs = 600_000;
/** Where they cannot be had, those that are known are good for so long: an issuer that is away is no reason to let nobody in. */
const maxStaleMs = 3_600_000;
/** Whoever asks with known keys waits for newer ones until they have been asked for so long. */
const refreshWaitMs = 500;
/** While none are known an issuer that failed is asked again so soon. */
const firstRetryMs = 5_000;
const maxBytes = 1_048_576;

export function createIssuerKeys(parts: IssuerKeysParts): JWTVerifyGetKey {
  const { issuer, jwksUri, clock, cooldownMs, timeoutMs = 5_000 } = parts;
  let known: { readonly keys: JWTVerifyGetKey; readonly atMs: number } | null = null;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let failure: Error | null = null;
  let asking: Promise<void> | null = null;

  const ageMs = (): number => (known === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() - known.atMs);

  const fetchKeys = async (): Promise<void> => {
    const ending = new AbortController();
    const { signal } = ending;
    const cancel = clock.setTimer(timeoutMs, () => ending.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const url = jwksUri ?? jwksUriIn(await fetchJson(wellKnown(issuer), signal), issuer);
      // Throws where it is no key set.
      const keys = createLocalJWKSet((await fetchJson(url, signal)) as unknown as JSONWebKeySet);
      known = { keys, atMs: clock.monotonicMs() };
      failure = null;
    } catch (error) {
      failure = error as Error;
    } finally {
      cancel();
    }
  };
  /** One at a time, whoever waits, and not so soon after the one before. */
  const ask = async (): Promise<void> => {
    const waitMs = known === null ? Math.min(firstRetryMs, cooldownMs) : cooldownMs;
    if (asking === null) {
      if (clock.monotonicMs() - askedAtMs < waitMs) return;
      askedAtMs = clock.monotonicMs();
      asking = fetchKeys().finally(() => {
        asking = null;
      });
    }
    await asking;
  };

  const refresh = async (): Promise<void> => {
    const refreshed = ask();
    if (ageMs() >= maxStaleMs) return refreshed;
    const waitMs = askedAtMs + refreshWaitMs - clock.monotonicMs();
    if (asking !== null && waitMs > 0) await within(clock, waitMs, refreshed, () => {});
  };

  return async (header, token) => {
    if (ageMs() >= maxAgeMs) await refresh();
    if (known === null || ageMs() >= maxStaleMs) throw failure ?? new Error('the keys have not come');
    try {
      return await known.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await ask();
      return known.keys(header, token);
    }
  };
}

function wellKnown(issuer: string): string {
  return `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
}

/** Where its keys are, as an issuer says itself. */
function jwksUriIn(document: Readonly<Record<string, unknown>>, issuer: string): string {
  if (document['issuer'] !== issuer || typeof document['jwks_uri'] !== 'string')
    throw new Error('the discovery document is of another issuer, or has no keys');
  return document['jwks_uri'];
}

async function fetchJson(url: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`answered ${response.status}`);
  }
  const bytes = await readAtMost(response.body, maxBytes);
  if (bytes === null) throw new Error(`an answer of more than ${maxBytes} bytes`);
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== 'object' || value === null) throw new Error('an answer that is no object');
  return value as Readonly<Record<string, unknown>>;
}
