/** A stream from its provider to its caller: read only as fast as the caller takes it, and ended with whoever goes first. */
import { Readable } from 'node:stream';
import type { ApiName } from '../../../lib/config/provider-config';
import type { Clock } from '../../../lib/ports/clock';
import type { StreamEvent } from '../../../lib/providers/upstream-call';
import { UpstreamError } from '../../../lib/providers/upstream-error';
import { type Answer, type Attempt, type KnownEvent, readOne } from './call-models';
import { formOf, formOfApi } from './error-form';
import type { DoorCall } from './read-call';
import { renamerTo, renames } from './rename-answer';
import { httpErrorOf } from './upstream-http-error';

export interface StreamEnds {
  readonly decisionId: string;
  readonly slowReaderMs: number;
  readonly clock: Clock;
  /** The caller has taken nothing for too long. */
  readonly onSlow: () => void;
  /** Said before the last event. */
  readonly lastWord: () => object;
  /** Called once, when the attempt is complete: it may be changed from then on. */
  readonly onEnd: () => void;
}

/** What is held for a caller who reads slowly, in bytes. */
const heldBytes = 16_384;

/**
 * The events as text. Events that came together leave together: a token costs one write, and no promise of its own but that
 * of its arrival.
 */
export function passOn(
  call: DoorCall,
  attempt: Attempt,
  { begun, rest }: Extract<Answer, { kind: 'stream' }>,
  ends: StreamEnds,
): Readable {
  const { facts } = attempt;
  const { clock, slowReaderMs } = ends;
  const rename = renames(call.api) ? renamerTo(ends.decisionId) : (data: string): string => data;
  let wanted: (() => void) | null = null;
  let isGone = false;
  /** The last event has been passed on. */
  let isThrough = false;
  const out = new Readable({
    highWaterMark: heldBytes,
    read: () => wanted?.(),
    destroy(error, done) {
      isGone = true;
      if (!isThrough) rest.close();
      wanted?.();
      done(error);
    },
  });

  const ending = (event: StreamEvent): string => {
    isThrough = true;
    return `: quantum_router ${JSON.stringify(ends.lastWord())}\n\n${textOf(event, rename(event.data ?? '', facts.id))}`;
  };

  const textOfAll = (events: readonly KnownEvent[]): string => {
    let text = '';
    for (const { event, role } of events) {
      if (role?.failure) {
        // What came before it is the caller's.
        if (text !== '') out.push(text);
        throw new UpstreamError('FAILURE', role.failure, { httpStatus: 502 });
      }
      if (role?.isUsageAlone && !call.wantsUsage) continue;
      // Nobody reads on behind the last event, so what comes there is neither an answer nor a failure.
      if (role?.isLast) return text + ending(event);
      text += textOf(event, rename(event.data ?? '', facts.id));
    }
    return text;
  };

  const untilWanted = async (): Promise<void> => {
    const cancel = clock.setTimer(slowReaderMs, ends.onSlow);
    await new Promise<void>((resolve) => {
      wanted = resolve;
    });
    wanted = null;
    cancel();
  };

  const pump = async (): Promise<void> => {
    for (let events: readonly KnownEvent[] | null = begun; events !== null && !isGone; ) {
      const text = textOfAll(events);
      if (text !== '' && !out.push(text) && !isGone) await untilWanted();
      if (isGone || isThrough) return;
      const next = await rest.next();
      events = next === null ? null : next.map((event) => readOne(call.api, event, facts));
    }
    if (isGone) return;
    if (facts.finishReason === null)
      throw new UpstreamError('FAILURE', 'the stream ended in its middle', { httpStatus: 502 });
    // Some say why a model has ended and nothing more; callers of chat wait for the word.
    if (call.api === 'chat') out.push(ending({ event: null, data: '[DONE]' }));
  };

  const end = (error: unknown): void => {
    const isWhole = isThrough || facts.isComplete;
    if (isGone && !isWhole) attempt.error = new UpstreamError('CANCELLED', 'the caller has gone');
    else if (error !== null)
      attempt.error = error instanceof UpstreamError ? error : new UpstreamError('FAILURE', 'the stream broke');
    attempt.endedMs = clock.monotonicMs();
    if (isWhole) rest.leave();
    else rest.close();
    // What the caller is told is how the stream has ended; a response that goes on without it is another matter, and changes the attempt.
    const { error: told } = attempt;
    ends.onEnd();
    if (isGone) return;
    // Nobody would read it of a caller that has gone.
    if (told && told.status !== 'CANCELLED') out.push(errorEvent(call.api, told));
    out.push(null);
  };
  pump()
    .then(() => end(null), end)
    .catch((error: Error) => out.destroy(error));
  return out;
}

export function textOf({ event, data }: StreamEvent, renamed: string): string {
  if (data === null) return ': waiting\n\n';
  const lines = renamed.includes('\n') ? renamed.replaceAll('\n', '\ndata: ') : renamed;
  return `${event === null ? '' : `event: ${event}\n`}data: ${lines}\n\n`;
}

export function errorEvent(api: ApiName, error: UpstreamError): string {
  const refused = httpErrorOf(error);
  const body = JSON.stringify(
    api === 'responses'
      ? { type: 'error', code: refused.code, message: refused.message, param: null, sequence_number: 0 }
      : formOf(refused, formOfApi(api)),
  );
  return `${api === 'chat' ? '' : 'event: error\n'}data: ${body}\n\n`;
}
