/** The command line within this process, and recorded rows for it to play. */
import { gzipSync } from 'node:zlib';
import type { Io } from '../../bin/io';
import { main } from '../../bin/program';
import { systemClock } from '../../lib/adapters/system';
import { seededRandom } from '../../lib/random/seeded';
import { atEnd } from '../started';

/** Two kinds of prompt, each with a model of its own that answers it well; two numbers for the text where it does not matter. */
export function rowsFile(kind: 'text' | 'vectors'): Buffer {
  const random = seededRandom(1, 'rows');
  const rows = Array.from({ length: 150 }, (_, index) => {
    const code = random.next() < 0.5;
    const noise = () => 0.1 * random.next();
    const prompt = code
      ? `def f${index}(x): return x + ${index} # fix this function`
      : `Translate into German: the weather on day ${index}`;
    const features = [code ? 1 : -1, noise()];
    const outcomes = {
      coder: { score: (code ? 0.8 : 0.2) + noise(), cost: 0.002 },
      linguist: { score: (code ? 0.2 : 0.8) + noise(), cost: 0.001 },
      neither: index % 7 === 0 ? { score: null, cost: null } : { score: 0.3 + noise(), cost: 0.0001 },
    };
    return JSON.stringify({
      id: `row-${index}`,
      dataset: 'made',
      split: index < 100 ? 'train' : 'test',
      ...(kind === 'text' ? { prompt } : { features }),
      outcomes,
    });
  });
  return gzipSync(rows.join('\n'));
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Presses Ctrl-C as soon as what was written says so. */
export async function cliUntil(
  directory: string,
  isEnough: (stderr: string) => boolean,
  argv: readonly string[],
): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const stop = new AbortController();
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
      if (isEnough(written.stderr)) stop.abort();
    },
    isTerminal: false,
    columns: 80,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin: async function* () {},
    onHangup: () => () => {},
    stopSignal: stop.signal,
    clock: systemClock(),
    environment: {},
    workingDirectory: directory,
  };
  const running = main([...argv], io);
  atEnd(async () => {
    stop.abort();
    await running.catch(() => {});
  });
  const code = await running;
  return { code, ...written };
}
