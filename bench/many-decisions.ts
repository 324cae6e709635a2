/** Stands between a dashboard and its gateway, and tells of many decisions at once: each the same real one, under an id of its own. */
import { createServer, request as open } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ManyDecisions {
  readonly url: string;
  close(): void;
}

/** `gatewayUrl` must have decided something. All but /v1/live is passed on. */
export async function manyDecisions(gatewayUrl: string, count: number): Promise<ManyDecisions> {
  const decision = await newestDecision(gatewayUrl);
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/v1/live')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let index = 0; index < count; index++) {
        const data = JSON.stringify({
          ...decision,
          decisionId: `many-${index}`,
          atMs: Number(decision['atMs']) + index,
        });
        response.write(`event: decision\nid: d0.${index + 1}\ndata: ${data}\n\n`);
      }
      response.write(`event: caught-up\nid: d0.${count}\ndata: {}\n\n`);
      return;
    }
    const passed = open(
      gatewayUrl + (request.url ?? '/'),
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(passed);
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function newestDecision(gatewayUrl: string): Promise<Record<string, unknown>> {
  const stop = new AbortController();
  const response = await fetch(`${gatewayUrl}/v1/live?kinds=decision&last=1`, { signal: stop.signal });
  let text = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const found = /event: decision\nid: .*\ndata: (.*)\n\n/.exec(text);
      if (found) return JSON.parse(found[1]!) as Record<string, unknown>;
    }
  } finally {
    stop.abort();
  }
  throw new Error(`${gatewayUrl} has decided nothing yet`);
}
