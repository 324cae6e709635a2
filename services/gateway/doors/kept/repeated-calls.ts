/**
 * Calls that say by a key of the caller's (Idempotency-Key) that they are the same one: made once, and answered as often as they come.
 * Such a call goes on when its caller has gone, since he is to come again for its answer.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiName } from '../../../../lib/config/provider-config';
import { dictionaryOf } from '../../../../lib/dictionary';
import type { Clock } from '../../../../lib/ports/clock';
import { isJson, objectOf, parsedJson, textOf } from '../../../../lib/providers/any-json';
import { idFault } from '../../../../lib/topics/identifiers';
import { HttpError, invalidField } from '../../http/http-error';
import { apiHeaders } from '../read-call';
import { createFairCache } from './fair-cache';

export const repeatHeader = 'idempotency-key';

export interface RepeatedCalls {
  /** `make` makes the call and answers by `reply`; `goesOn` says whether it has to when its caller goes. */
  serve(
    api: ApiName,
    request: FastifyRequest,
    reply: FastifyReply,
    make: (goesOn: boolean) => Promise<unknown>,
    /** Told when this has to wait for a call that is under way. */
    onWait: () => void,
  ): Promise<unknown>;
  /** The response of this id was deleted: whoever comes again for it is not answered with it, and has the call made anew. */
  forget(tenantId: string | null, responseId: string): void;
}

interface Made {
  readonly status: number;
  /** Those that are the call's, and not of who asks for it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Of the response that it is; empty where it is none. Found when somebody first comes again, since hardly anybody does. */
  readonly id: () => string;
}

interface Call {
  readonly content: string;
  /** Null where it came to nothing that would be the same again. */
  readonly made: Promise<Made | null>;
}

interface Named {
  readonly tenant: string;
  /** The same for calls that say they are the same one, and for no others. */
  readonly place: string;
  /** Stands for all that decides what is answered. */
  readonly content: string;
}

/** Client libraries try again within seconds, jobs that were started again within minutes. */
const keptForMs = 3_600_000;
const defaultMaxBytes = 33_554_432;
const deletedMaxBytes = 1_048_576;
/** What decides who answers beside the body; those of the API's own come to it (`apiHeaders`). */
const asked = ['x-quantum-session', 'x-quantum-task', 'x-quantum-tenant', 'x-quantum-user', 'x-quantum-budget'];

export function createRepeatedCalls(clock: Clock, maxBytes = defaultMaxBytes): RepeatedCalls {
  // Whoever comes waits for these, so they are there as long as they take, which is bounded for every call.
  const underWay = new Map<string, Call>();
  const answered = createFairCache<{ readonly content: string; readonly made: Made }>({
    ...{ clock, ttlMs: keptForMs, maxBytes },
  });
  const deleted = createFairCache<true>({ clock, ttlMs: keptForMs, maxBytes: deletedMaxBytes });
  const isDeleted = (tenant: string, made: Made): boolean => {
    const id = made.id();
    return id !== '' && deleted.get(tenant, id) !== null;
  };

  const begin = (
    { tenant, place, content }: Named,
    reply: FastifyReply,
    make: (goesOn: boolean) => Promise<unknown>,
  ): Promise<unknown> => {
    const making = make(true);
    const made = making.then(
      (text) => {
        underWay.delete(place);
        if (typeof text !== 'string') return null;
        const made = { status: reply.statusCode, headers: headersOf(reply), text, id: idIn(text) };
        answered.set(tenant, place, { content, made }, Buffer.byteLength(text));
        return made;
      },
      () => {
        underWay.delete(place);
        return null;
      },
    );
    underWay.set(place, { content, made });
    return making;
  };

  return {
    async serve(api, request, reply, make, onWait) {
      const named = namedIn(api, request);
      if (named === null) return make(false);
      for (let hasWaited = false; ; hasWaited = true) {
        const running = underWay.get(named.place);
        const before = running ?? answered.get(named.tenant, named.place);
        if (!before) return begin(named, reply, make);
        if (before.content !== named.content)
          throw new HttpError('conflict', 'was used for a call with other content; use another one', repeatHeader);
        if (running && !hasWaited) onWait();
        const made = await before.made;
        // One that failed is made anew, by the first who sees it.
        if (made === null) continue;
        if (isDeleted(named.tenant, made)) {
          answered.delete(named.tenant, named.place);
          continue;
        }
        reply.status(made.status).headers(made.headers).header('x-quantum-repeated', 'true');
        return made.text;
      }
    },
    forget(tenantId, responseId) {
      deleted.set(tenantId ?? '', responseId, true, responseId.length);
    },
  };
}

/** An answer may have megabytes: it is parsed once. */
function idIn(text: string): () => string {
  let id: string | null = null;
  return () => {
    id ??= textOf(objectOf(parsedJson(text))['id']);
    return id;
  };
}

const ofTheCall = /^(?:x-quantum-|content-type$|x-request-id$|request-id$)/;

function headersOf(reply: FastifyReply): Record<string, string> {
  return dictionaryOf(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
      ofTheCall.test(name) ? [[name, String(value)] as const] : [],
    ),
  );
}

/** Null where every call is one of its own: without a key, and streams, which nobody has whole. */
function namedIn(api: ApiName, { headers, body, bodyText, url, asker }: FastifyRequest): Named | null {
  const key = headers[repeatHeader];
  if (typeof key !== 'string' || (isJson(body) && body['stream'] === true)) return null;
  const fault = idFault(key);
  if (fault !== null) throw invalidField(repeatHeader, fault);
  const routing = asked.map((name) => headers[name] ?? null);
  const content = createHash('sha256').update(JSON.stringify([url, ...routing, apiHeaders(api, headers)]));
  return {
    tenant: asker.tenantId ?? '',
    place: JSON.stringify([asker.tenantId, asker.who, api, key]),
    content: content.update(bodyText).digest('base64url'),
  };
}
