/**
 * Calls of one gateway from a process of its own, forked by `bench/gateway.ts`: so many connections, each of which asks again
 * as soon as it has its answer. Latencies are those of the whole answer, of a stream's first token and between its tokens.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Quantiles, quantilesOf } from '../../lab/report/report';
import { kilobyteRows } from '../kilobyte-rows';

export interface CallJob {
  /** Of POST /chat/completions. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly connections: number;
  readonly isStream: boolean;
  readonly seconds: number;
  /** Of a stream. */
  readonly tokens: number;
  readonly gapMs: number;
  /** Each connection asks once. */
  readonly isOnce?: boolean;
  /** One connection in so many reads slowly; its times are not counted. */
  readonly slowEvery?: number;
}

export interface CallResult {
  readonly answered: number;
  /** Another status than 200, a broken connection, or a stream with a token too few, too many or out of its place. */
  readonly failed: number;
  readonly elapsedMs: number;
  /** In milliseconds: of whole answers or of first tokens. */
  readonly latency: Quantiles;
  /** In milliseconds, between two tokens of a stream. */
  readonly gap: Quantiles;
  readonly firstFault: string | null;
}

const bodies = kilobyteRows(2, 512).rows.map(({ prompt }) => prompt);
const mark = Buffer.from('"content":"word ');
/** A slow reader takes so much, and then nothing for so long: less than a stream of the bench brings. */
const slowRead = { bytes: 16_384, pauseMs: 1_500 };

/** `onToken` hears the number of each token, in the order in which they come. */
function readStream(response: IncomingMessage, onToken: (number: number) => void): void {
  let tail = Buffer.alloc(0);
  response.on('data', (chunk: Buffer) => {
    // A token may lie across the border of two pieces.
    const all = tail.length > 0 ? Buffer.concat([tail, chunk]) : chunk;
    let from = 0;
    for (let at = all.indexOf(mark, from); at >= 0; at = all.indexOf(mark, from)) {
      const end = all.indexOf(' ', at + mark.length);
      if (end < 0) break;
      onToken(Number(all.subarray(at + mark.length, end).toString('latin1')));
      from = end;
    }
    const unread = all.indexOf(mark, from);
    tail = Buffer.from(all.subarray(unread >= 0 ? unread : Math.max(from, all.length - mark.length + 1)));
  });
}

async function load(job: CallJob): Promise<CallResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.connections });
  const target = new URL(job.url);
  const latencies: number[] = [];
  const gaps: number[] = [];
  let failed = 0;
  let firstFault: string | null = null;
  let next = 0;
  const fail = (what: string): void => {
    failed += 1;
    firstFault ??= what;
  };

  const callOnce = (prompt: string, isSlow: boolean): Promise<void> =>
    new Promise((resolve) => {
      const body = Buffer.from(
        JSON.stringify({
          model: job.model,
          messages: [{ role: 'user', content: prompt }],
          max_tokens: job.tokens,
          seed: job.gapMs,
          ...(job.isStream && { stream: true }),
        }),
      );
      const headers = { ...job.headers, 'content-type': 'application/json', 'content-length': body.length };
      const sentMs = performance.now();
      const sent = httpRequest(target, { method: 'POST', agent, headers }, (response) => {
        let tokens = 0;
        let misplaced = 0;
        let lastMs = 0;
        let firstMs = 0;
        const said: Buffer[] = [];
        if (response.statusCode !== 200) response.on('data', (chunk: Buffer) => said.push(chunk));
        else if (job.isStream)
          readStream(response, (number) => {
            const nowMs = performance.now();
            if (number !== tokens) misplaced += 1;
            if (tokens++ === 0) firstMs = nowMs;
            else if (!isSlow) gaps.push(nowMs - lastMs);
            lastMs = nowMs;
          });
        else response.resume();
        let takenBytes = 0;
        if (isSlow)
          response.on('data', ({ length }: Buffer) => {
            takenBytes += length;
            if (takenBytes < slowRead.bytes) return;
            takenBytes = 0;
            response.pause();
            setTimeout(() => response.resume(), slowRead.pauseMs);
          });
        response.on('error', () => {});
        response.on('close', () => {
          if (response.statusCode !== 200)
            fail(`${response.statusCode} ${Buffer.concat(said).toString().slice(0, 300)}`);
          else if (!response.complete) fail('the connection broke');
          else if (job.isStream && tokens !== job.tokens) fail(`${tokens} tokens of ${job.tokens}`);
          else if (misplaced > 0) fail(`${misplaced} tokens were not where they belong`);
          else if (!isSlow) latencies.push((job.isStream ? firstMs : performance.now()) - sentMs);
          resolve();
        });
      });
      sent.on('error', (error) => {
        fail(error.message);
        resolve();
      });
      sent.end(body);
    });

  const startedMs = performance.now();
  const one = async (_: unknown, index: number): Promise<void> => {
    const isSlow = job.slowEvery !== undefined && index % job.slowEvery === 0;
    do await callOnce(bodies[next++ % bodies.length]!, isSlow);
    while (!job.isOnce && performance.now() - startedMs < job.seconds * 1_000);
  };
  await Promise.all(Array.from({ length: job.connections }, one));
  const elapsedMs = performance.now() - startedMs;
  agent.destroy();
  return {
    ...{ answered: latencies.length, failed, elapsedMs, firstFault },
    ...{ latency: quantilesOf(latencies), gap: quantilesOf(gaps) },
  };
}

process.on('message', (job: CallJob) => {
  load(job).then((result) => process.send!(result));
});
process.once('disconnect', () => process.exit(0));
