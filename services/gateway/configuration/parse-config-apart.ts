/**
 * Parses a YAML configuration, and checks a large one that came as JSON, in a thread of its own, one at a time and not for ever:
 * what a YAML text costs cannot be told from its size, some hundred models take longer than requests may wait.
 */
import type { ParseResult } from '../../../lib/config/parse-config';
import { faultOfBytes } from '../../../lib/config/read-yaml';
import { startThread } from '../../../lib/start-thread';
import { HttpError } from '../http/http-error';
import { type CheckedConfig, checkPlainConfig } from './check-plain-config';

/** From when the thread begins with a text; a machine may be busy. */
const maxParseMs = 10_000;
const maxHeapMb = 256;

/** JSON of more characters than this is checked in the thread: what is shorter takes some milliseconds. */
const largeChars = 16_384;

/** A thread that had nothing to do for so long ends: starting one again costs more than most texts do. */
const idleMs = 30_000;

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
  const thread = createParseThread();
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(source: ConfigSource): Promise<T> => {
    if (waiting >= maxWaiting)
      return Promise.reject(new HttpError('overloaded', 'other configurations are being parsed; try again later'));
    waiting++;
    const parsed = turn.then(() => thread<T>(source)).finally(() => waiting--);
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

/** Runs one text at a time; the thread stays for the next one unless the text was too much for it. */
function createParseThread(): <T>(source: ConfigSource) => Promise<T> {
  let idle: { readonly thread: ParseThread; readonly ending: NodeJS.Timeout } | null = null;
  return async <T>(source: ConfigSource) => {
    const thread = idle && !idle.thread.hasEnded() ? idle.thread : startParseThread();
    clearTimeout(idle?.ending);
    idle = null;
    const parsed = await thread.parse(source);
    idle = { thread, ending: setTimeout(thread.end, idleMs).unref() };
    return parsed as T;
  };
}

interface ParseThread {
  /** One at a time. A thread that rejects has ended. */
  parse(source: ConfigSource): Promise<unknown>;
  hasEnded(): boolean;
  end(): void;
}

function startParseThread(): ParseThread {
  const worker = startThread(__dirname, 'parse-config-worker', {
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  });
  let current: { resolve(parsed: unknown): void; reject(error: Error): void } | null = null;
  let limit: NodeJS.Timeout | undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    void worker.terminate();
  };
  const fail = (error: Error): void => {
    current?.reject(error);
    end();
  };
  const tooLong = (): void =>
    fail(
      new HttpError('invalid_field', 'config: is too complicated: parsing it takes too much time or memory', 'config'),
    );
  worker.on('message', (message: 'started' | { readonly parsed: unknown }) => {
    if (message === 'started') limit = setTimeout(tooLong, maxParseMs);
    else current?.resolve(message.parsed);
  });
  // The thread fails for one reason that a text can bring about: it runs out of memory.
  worker.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLong() : fail(error),
  );
  worker.once('exit', (code) => fail(new Error(`the thread that parses configurations ended with code ${code}`)));
  return {
    async parse(source) {
      worker.ref();
      try {
        return await new Promise((resolve, reject) => {
          current = { resolve, reject };
          worker.postMessage(source);
        });
      } finally {
        current = null;
        clearTimeout(limit);
        worker.unref();
      }
    },
    hasEnded: () => ended,
    end,
  };
}
