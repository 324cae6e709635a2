/**
 * Calls that say by a key of the caller's (Idempotency-Key) that they are the same one: made once, and answered as often as they come.
 * Such a call goes on when its caller has gone, since he is to come again for its answer.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiName } from '../../../lib/config/provider-config';
import { dictionaryOf } from '../../../lib/dictionary';
import type { Clock } from '../../../lib/ports/clock';
import { isJson } from '../../../lib/providers/any-json';
import { idFault } from '../../../lib/topics/identifiers';
import { HttpError, invalidField } from '../http-error';

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
}

interface Made {
  readonly status: number;
  /** Those that are the call's, and not of who asks for it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface Call {
  readonly content: string;
  /** Null where it came to nothing that would be the same again. */
  readonly made: Promise<Made | null>;
  untilMs: number;
  /** Of the answer, once there is one. */
  size: number;
}

/** Client libraries try again within seconds, jobs that were started again within minutes. */
const keptForMs = 3_600_000;
const maxCalls = 10_000;
const defaultMaxSize = 33_554_432;
/** What decides who answers beside the body. */
const asked = ['x-quantum-session', 'x-quantum-task', 'x-quantum-tenant', 'x-quantum-user', 'x-quantum-budget'];

export function createRepeatedCalls(clock: Clock, maxSize = defaultMaxSize): RepeatedCalls {
  // Maps iterate in order of insertion, so the first key is the oldest.
  const calls = new Map<string, Call>();
  let size = 0;
  const drop = (place: string): void => {
    size -= calls.get(place)?.size ?? 0;
    calls.delete(place);
  };
  const dropOldest = (): void => {
    for (const [place, { untilMs }] of calls) {
      if (calls.size <= maxCalls && size <= maxSize && untilMs > clock.monotonicMs()) break;
      drop(place);
    }
  };

  const begin = (
    { place, content }: { readonly place: string; readonly content: string },
    reply: FastifyReply,
    make: (goesOn: boolean) => Promise<unknown>,
  ): Promise<unknown> => {
    const answered = make(true);
    const call: Call = {
      ...{ content, untilMs: clock.monotonicMs() + keptForMs, size: 0 },
      made: answered.then(
        (text) => (typeof text === 'string' ? { status: reply.statusCode, headers: headersOf(reply), text } : null),
        () => null,
      ),
    };
    calls.set(place, call);
    void call.made.then((made) => {
      if (calls.get(place) !== call) return;
      if (made === null) return drop(place);
      call.size = made.text.length;
      size += call.size;
      dropOldest();
    });
    dropOldest();
    return answered;
  };

  return {
    async serve(api, request, reply, make, onWait) {
      const named = namedIn(api, request);
      if (named === null) return make(false);
      for (let hasWaited = false; ; hasWaited = true) {
        const before = calls.get(named.place);
        if (!before || before.untilMs <= clock.monotonicMs()) return begin(named, reply, make);
        if (before.content !== named.content)
          throw new HttpError('conflict', 'was used for a call with other content; use another one', repeatHeader);
        if (!hasWaited) onWait();
        const made = await before.made;
        // One that failed is made anew, by the first who sees it.
        if (made === null) continue;
        reply.status(made.status).headers(made.headers).header('x-quantum-repeated', 'true');
        return made.text;
      }
    },
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
function namedIn(
  api: ApiName,
  { headers, body, bodyText, url, asker }: FastifyRequest,
): { readonly place: string; readonly content: string } | null {
  const key = headers[repeatHeader];
  if (typeof key !== 'string' || (isJson(body) && body['stream'] === true)) return null;
  const fault = idFault(key);
  if (fault !== null) throw invalidField(repeatHeader, fault);
  const content = createHash('sha256').update(JSON.stringify([url, ...asked.map((name) => headers[name] ?? null)]));
  return {
    place: JSON.stringify([asker.tenantId, asker.who, api, key]),
    content: content.update(bodyText).digest('base64url'),
  };
}
