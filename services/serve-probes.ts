/** A small HTTP server for whoever runs a process: does it live, is it ready, what does it count. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';

export interface ProbeOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly ready: () => boolean;
  /** Facts about the services, as JSON. */
  readonly status: () => unknown;
  readonly log: Log;
}

/** Rejects when the port is taken. */
export async function serveProbes(options: ProbeOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const { metrics, ready, status, log } = options;
  const server = createServer(async (request, response) => {
    const answer = (code: number, type: string, body: string): void => {
      response.writeHead(code, { 'content-type': type }).end(body);
    };
    try {
      if (request.url === '/health')
        answer(200, 'application/json', JSON.stringify({ status: 'ok', services: status() }));
      else if (request.url === '/ready')
        answer(ready() ? 200 : 503, 'application/json', JSON.stringify({ ready: ready() }));
      else if (request.url === '/metrics') answer(200, metrics.contentType, await metrics.text());
      else answer(404, 'text/plain', 'there are /health, /ready and /metrics\n');
    } catch (error) {
      log.error('a probe failed', { error: error as Error });
      answer(500, 'text/plain', 'failed\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
