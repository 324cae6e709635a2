/** Sends requests as they are, however odd; `fetch` would put them right first. */
import { type Agent, request as open } from 'node:http';
import type { HttpRequest } from './http-cases';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** The answer; the reason where none came: the request cannot even be written, or the other side closed the connection. */
export function sendHttp(
  agent: Agent,
  url: string,
  { method, path, headers, body }: HttpRequest,
  limitMs: number,
): Promise<HttpAnswer | Error> {
  return new Promise((resolve) => {
    try {
      const { hostname, port } = new URL(url);
      const length = body ? { 'content-length': String(body.length) } : {};
      const options = { agent, hostname, port, method, path, headers: { ...headers, ...length }, timeout: limitMs };
      const sent = open(options, (response) => {
        const chunks: Buffer[] = [];
        const finish = (): void =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            contentType: String(response.headers['content-type'] ?? ''),
          });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', resolve);
        response.once('end', finish);
        // What happens from now on is told for ever: that it has begun is the answer.
        if (path.startsWith('/v1/live') && response.statusCode === 200) {
          finish();
          response.destroy();
        }
      });
      sent.once('error', resolve);
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.end(body ?? undefined);
    } catch (error) {
      resolve(error as Error);
    }
  });
}
