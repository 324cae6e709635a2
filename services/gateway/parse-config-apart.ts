/**
 * Parses a YAML configuration, and checks a large one that came as JSON, in a thread of its own, one at a time and not for ever:
 * what a YAML text costs cannot be told from its size, some hundred models take longer than requests may wait.
 */
import type { ParseResult } from '../../lib/config/parse-config';
import { faultOfBytes } from '../../lib/config/read-yaml';
import { startThread } from '../../lib/start-thread';
import { type CheckedConfig, checkPlainConfig } from './check-plain-config';
import { HttpError } from './http-error';

/** Since the thread has begun with it; a machine may be busy. */
const maxParseMs = 10_000;
const maxHeapMb = 256;

/** JSON of more characters than this is checked in the thread: what is shorter takes some milliseconds. */
const largeChars = 16_384;

/** What the thread is given. */
export type ConfigSource =
  | { readonly kind: 'yaml'; readonly text: string }
  | { readonly kind: 'value'; readonly value: unknown };

/** Both reject with an HttpError when a configuration takes too long, or more than `maxWaiting` wait for their turn. */
export interface ConfigParser {
  parse(text: string): Promise<ParseResult>;
  /** Of a value as JSON has it. */
  check(value: unknown): Promise<CheckedConfig>;
}

export function createConfigParser({ maxWaiting = 8 } = {}): ConfigParser {
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(source: ConfigSource): Promise<T> => {
    if (waiting >= maxWaiting)
      return Promise.reject(new HttpError('overloaded', 'other configurations are being parsed; try again later'));
    waiting++;
    const parsed = turn.then(() => parseInThread<T>(source)).finally(() => waiting--);
    turn = parsed.catch(() => {});
    return parsed;
  };
  return {
    async parse(text) {
      // The tokens are counted in the thread: 60,000 of them would hold up requests, too.
      const message = faultOfBytes(text);
      if (message !== null) return { ok: false, errors: [{ line: 1, column: 1, path: '', message }] };
      return inTurn({ kind: 'yaml', text });
    },
    async check(value) {
      const isLarge = (JSON.stringify(value)?.length ?? 0) > largeChars;
      return isLarge ? inTurn({ kind: 'value', value }) : checkPlainConfig(value);
    },
  };
}

function parseInThread<T>(source: ConfigSource): Promise<T> {
  const worker = startThread(__dirname, 'parse-config-worker', {
    workerData: source,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  });
  return new Promise<T>((resolve, reject) => {
    const tooLong = (): void =>
      reject(
        new HttpError(
          'invalid_field',
          'config: is too complicated: parsing it takes too much time or memory',
          'config',
        ),
      );
    let limit: NodeJS.Timeout | undefined;
    worker.on('message', (message: 'started' | T) => {
      if (message === 'started') limit = setTimeout(tooLong, maxParseMs);
      else resolve(message);
    });
    // The thread fails for one reason that a text can bring about: it runs out of memory.
    worker.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLong() : reject(error),
    );
    worker.once('exit', (code) => {
      clearTimeout(limit);
      reject(new Error(`the thread that parses configurations ended with code ${code}`));
    });
  }).finally(() => void worker.terminate());
}
