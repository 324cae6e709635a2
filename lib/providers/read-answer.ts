/** Bodies of answers, read no further than they may be long and waited for no longer than a provider may pause. */
import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';
import type { CallWatch } from './call-watch';
import { createEventParser } from './event-parser';
import type { EventStream, StreamEvent, UpstreamCall } from './upstream-call';
import { UpstreamError } from './upstream-error';

export interface AnswerLimits {
  /** Of an answer that comes in one piece, in bytes. */
  readonly maxWholeBytes: number;
  /** Of one event of a stream. */
  readonly maxEventBytes: number;
  /** Of a stream from its beginning to its end. */
  readonly maxStreamBytes: number;
  /** Of what an error says. */
  readonly maxErrorBytes: number;
}

export const defaultAnswerLimits: AnswerLimits = {
  maxWholeBytes: 16_777_216,
  maxEventBytes: 1_048_576,
  maxStreamBytes: 268_435_456,
  maxErrorBytes: 65_536,
};

/** The text of a body; a longer one is cut or refused. */
export async function readText(
  body: Dispatcher.ResponseData['body'],
  maxBytes: number,
  watch: CallWatch,
  gapMs: number,
  tooLong: 'cut' | 'refused',
): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    watch.wait(gapMs, 'the answer stopped in its middle');
    const next = await iterator.next();
    watch.go();
    if (next.done) break;
    const chunk = next.value as Buffer;
    length += chunk.length;
    if (length > maxBytes) {
      body.destroy();
      if (tooLong === 'cut') break;
      throw new UpstreamError('FAILURE', `an answer of more than ${maxBytes} bytes`, { httpStatus: 502 });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The events of a stream, as many at once as have come. `done` is called at its end, however it comes. */
export function readEvents(
  body: Dispatcher.ResponseData['body'],
  { provider, config }: UpstreamCall,
  { maxEventBytes, maxStreamBytes }: AnswerLimits,
  watch: CallWatch,
  done: () => void,
): EventStream {
  let ready: StreamEvent[] = [];
  const parser = createEventParser({
    onEvent: (event) => ready.push(event),
    onComment: () => ready.push({ event: null, data: null }),
  });
  // A character may be cut by the border of two chunks, and the mark that some begin with as well.
  const decoder = new StringDecoder('utf8');
  const tooLarge = (what: string): UpstreamError =>
    new UpstreamError('FAILURE', `${provider}: ${what}`, { httpStatus: 502 });
  let hasText = false;
  let sinceEvent = 0;
  let total = 0;
  let isThrough = false;
  let broken: unknown = null;
  let wake: () => void = () => {};
  const end = (error: unknown = null): void => {
    broken ??= error;
    isThrough = true;
    wake();
  };
  body.on('readable', () => wake()).on('end', () => end());
  body.on('error', end).on('close', () => end(body.readableEnded ? null : new Error('the connection closed')));
  const close = (): void => {
    body.destroy();
    done();
  };

  const feed = (text: string): void => {
    if (text === '') return;
    parser.feed(!hasText && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    hasText = true;
  };

  const take = (chunk: Buffer): void => {
    sinceEvent += chunk.length;
    total += chunk.length;
    if (total > maxStreamBytes) throw tooLarge(`a stream of more than ${maxStreamBytes} bytes`);
    feed(decoder.write(chunk));
    if (ready.length > 0) sinceEvent = 0;
    if (sinceEvent > maxEventBytes) throw tooLarge(`an event of more than ${maxEventBytes} bytes`);
  };

  return {
    async next() {
      try {
        for (;;) {
          const chunk = body.read() as Buffer | null;
          if (chunk !== null) {
            watch.go();
            take(chunk);
            if (ready.length === 0) continue;
            const events = ready;
            ready = [];
            return events;
          }
          if (broken !== null) throw broken;
          if (isThrough) {
            // Some end without the empty line that ends an event.
            if (ready.length === 0) feed('\n\n');
            close();
            const events = ready;
            ready = [];
            return events.length > 0 ? events : null;
          }
          // Only while the provider is waited for: a caller who reads slowly is no fault of it.
          watch.wait(config.timeouts.gapMs, 'the stream stopped in its middle');
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } catch (error) {
        close();
        throw watch.errorOf(error);
      }
    },
    close,
    leave() {
      if (isThrough) return close();
      const drain = (): void => {
        while (body.read() !== null);
        if (isThrough) close();
      };
      watch.wait(lingerMs, 'the connection stayed open behind the last event');
      wake = drain;
      drain();
    },
  };
}

/** What a provider has after its last event to end the answer, so that its connection can serve the next call. */
const lingerMs = 1_000;
