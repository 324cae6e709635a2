/** A provider of the test's own that keeps the responses it gives, as OpenAI does. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../../../started';

interface Body {
  readonly model: string;
  readonly background?: boolean;
  readonly stream?: boolean;
  readonly previous_response_id?: string;
  readonly conversation?: string | { readonly id: string };
}

/** A provider that keeps what it answers, and makes it in the background where that is asked for. */
export async function startKeeper(prefix = 'resp_') {
  const kept = new Map<string, Record<string, unknown>>();
  const asked: string[] = [];
  let ids = 0;
  const bodies: Body[] = [];
  /** Status that a response in the background has when it is looked at next. */
  let next = 'in_progress';
  /** The stream of the response in the background that was begun last. */
  let open: ServerResponse | null = null;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { pathname, search, searchParams } = new URL(request.url!, 'http://keeper');
    asked.push(`${request.method} ${pathname}${search} ${text === '' ? 'no body' : 'body'}`);
    const answer = (status: number, value: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    /** The same events each time, those behind a position. */
    const stream = (of: string, after: number): void => {
      const made = { ...kept.get(of)!, ...through('completed') };
      const events = [
        { type: 'response.created', response: { ...made, status: 'in_progress', output: [] } },
        { type: 'response.output_text.delta', item_id: 'msg_2', output_index: 0, content_index: 0, delta: 'fi' },
        { type: 'response.output_text.delta', item_id: 'msg_2', output_index: 0, content_index: 0, delta: 'ne' },
        { type: 'response.completed', response: made },
      ];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const [index, event] of events.entries())
        if (index > after)
          response.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`);
      response.end();
    };
    const [, id, action] = /^\/v1\/responses\/([^/]+)(?:\/(\w+))?$/.exec(pathname) ?? [];
    if (id === undefined) {
      const body = JSON.parse(text) as Body;
      const { previous_response_id: previous } = body;
      if (previous !== undefined && !kept.has(previous))
        return answer(400, {
          error: { message: 'no such response here', type: 'invalid_request_error', param: 'previous_response_id' },
        });
      const made = { id: `${prefix}${++ids}`, object: 'response', model: body.model };
      const value = body.background ? { ...made, status: 'queued', output: [] } : { ...made, ...through('completed') };
      kept.set(made.id, value);
      bodies.push(body);
      if (body.stream && body.background) {
        // Begun, and whoever reads on waits.
        const begun = { type: 'response.created', response: { ...value, background: true }, sequence_number: 0 };
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        open = response;
        return void response.write(`event: ${begun.type}\ndata: ${JSON.stringify(begun)}\n\n`);
      }
      return body.stream ? stream(made.id, -1) : answer(200, value);
    }
    const value = kept.get(decodeURIComponent(id));
    if (!value) return answer(404, { error: { message: 'there is no such response', type: 'invalid_request_error' } });
    if (request.method === 'DELETE') {
      kept.delete(id);
      return answer(200, { id, object: 'response', deleted: true });
    }
    if (searchParams.get('stream') === 'true' && value['status'] === 'in_progress') {
      // Cleanly, though more was to come.
      const begun = { type: 'response.in_progress', response: value, sequence_number: 1 };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.end(`event: ${begun.type}\ndata: ${JSON.stringify(begun)}\n\n`);
    }
    if (searchParams.get('stream') === 'true') return stream(id, Number(searchParams.get('starting_after') ?? -1));
    if (action === 'input_items') return answer(200, { object: 'list', data: [{ type: 'message', id: 'msg_1' }] });
    if (action === 'cancel') Object.assign(value, { status: 'cancelled' });
    else if (value['status'] === 'queued' || value['status'] === 'in_progress') Object.assign(value, through(next));
    return answer(200, value);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => new Promise((resolve) => server.close(() => resolve(undefined)).closeAllConnections()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    url,
    asked,
    bodies,
    becomes(status: string): void {
      next = status;
    },
    /** What becomes of the stream that is open: the response fails, its connection breaks, or it ends and has not said why. */
    endStream(how: 'fails' | 'breaks' | 'ends'): void {
      if (how === 'breaks') return void open!.destroy();
      const failed = { type: 'response.failed', response: through('failed'), sequence_number: 1 };
      open!.end(how === 'fails' ? `event: ${failed.type}\ndata: ${JSON.stringify(failed)}\n\n` : '');
    },
  };
}

function through(status: string) {
  if (status === 'failed') return { status, output: [], error: { code: 'server_error', message: 'no' } };
  if (status !== 'completed') return { status, output: [] };
  const content = [{ type: 'output_text', text: 'fine', annotations: [] }];
  return {
    status,
    output: [{ type: 'message', id: 'msg_2', role: 'assistant', status, content }],
    usage: { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
  };
}
