/**
 * Parses a YAML configuration in a thread of its own, one at a time and not for ever: what a YAML text costs cannot be told
 * from its size, and requests must not wait for it.
 */
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ParseResult } from '../../lib/config/parse-config';
import { faultOfBytes } from '../../lib/config/read-yaml';
import { HttpError } from './http-error';

const maxParseMs = 5_000;
const maxHeapMb = 256;

export type ConfigParser = (text: string) => Promise<ParseResult>;

/** The parser rejects with an HttpError when a text takes too long, or more than `maxWaiting` wait for their turn. */
export function createConfigParser({ maxWaiting = 8 } = {}): ConfigParser {
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();
  return async (text) => {
    // The tokens are counted in the thread: 60,000 of them would hold up requests, too.
    const message = faultOfBytes(text);
    if (message !== null) return { ok: false, errors: [{ line: 1, column: 1, path: '', message }] };
    if (waiting >= maxWaiting)
      throw new HttpError('overloaded', 'other configurations are being parsed; try again later');
    waiting++;
    const parsed = turn.then(() => parseInThread(text)).finally(() => waiting--);
    turn = parsed.catch(() => {});
    return parsed;
  };
}

function parseInThread(text: string): Promise<ParseResult> {
  // From sources (tests, development) the thread has to learn TypeScript first; built, it needs nothing.
  const extension = extname(__filename);
  const execArgv = extension === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  const worker = new Worker(join(__dirname, `parse-config-worker${extension}`), {
    workerData: text,
    execArgv,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  });
  return new Promise<ParseResult>((resolve, reject) => {
    const tooLong = (): void =>
      reject(
        new HttpError(
          'invalid_field',
          'config: is too complicated: parsing it takes too much time or memory',
          'config',
        ),
      );
    // From here the thread is there: starting it is not the text's fault.
    let limit: NodeJS.Timeout | undefined;
    worker.once('online', () => {
      limit = setTimeout(tooLong, maxParseMs);
    });
    worker.once('message', resolve);
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
