/**
 * The upstream that every gateway is measured in front of, in a process of its own, forked by `bench/gateway.ts`: it answers
 * chat completions as a model would that takes `waitMs` to begin. A request says how by two ordinary fields, so that every
 * gateway passes them on: `max_tokens` is how many tokens a stream has, `seed` the milliseconds between them.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

let waitMs = 0;
const usage = { prompt_tokens: 250, completion_tokens: 40, total_tokens: 290 };
const whole = JSON.stringify({
  ...{ id: 'chatcmpl-upstream', object: 'chat.completion', created: 1, model: 'bench' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(40) }, finish_reason: 'stop' }],
  usage,
});
const models = JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] });
const chunkOf = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({
    ...{ id: 'chatcmpl-upstream', object: 'chat.completion.chunk', created: 1, model: 'bench' },
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;
/** Numbered, so that whoever reads sees whether one is missing, comes twice or out of order. */
const [beforeNumber, behindNumber] = chunkOf({ content: 'word # ' }, null).split('#') as [string, string];
const ending = `${chunkOf({}, 'stop')}data: ${JSON.stringify({
  ...{ id: 'chatcmpl-upstream', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage },
})}\n\ndata: [DONE]\n\n`;

function stream(response: ServerResponse, tokens: number, gapMs: number): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const next = (): void => {
    if (response.destroyed) return;
    response.write(`${beforeNumber}${sent}${behindNumber}`);
    sent += 1;
    if (sent < tokens) setTimeout(next, gapMs);
    else response.end(ending);
  };
  next();
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    // LiteLLM's proxy asks for the list of models when it starts.
    response.writeHead(200, { 'content-type': 'application/json' }).end(models);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { stream?: boolean; max_tokens: number; seed: number };
    const answer = (): void => {
      if (body.stream) stream(response, body.max_tokens, body.seed);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(whole);
    };
    if (waitMs > 0) setTimeout(answer, waitMs);
    else answer();
  });
});

process.on('message', (wantedMs: number) => {
  waitMs = wantedMs;
  process.send!('set');
});
process.once('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
