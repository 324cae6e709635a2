/** /v1/live: what happens now, as server-sent events or over a WebSocket. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { eventText } from '../live/frame';
import { type FilterName, filterNames, type LiveFilter, type LiveKind, liveKinds } from '../live/live-events';
import { maxReplayed } from '../live/live-hub';
import { readPositions } from '../live/positions';
import type { Send, SendPassed } from '../live/viewer';

/** A sign of life for proxies and for the door, which close connections on which nothing moves. */
const heartbeatMs = 15_000;
/** How long a viewer whose key is revoked, or whose token is over, goes on watching. */
const mayStillEveryMs = 2_000;
/** Bytes that may wait in a WebSocket before its viewer counts as slow. */
const maxBufferedBytes = 262_144;

const parameterNames = ['kinds', 'last', ...filterNames] as const;

interface Asked {
  readonly filter: LiveFilter;
  readonly last: number;
  readonly positions: ReturnType<typeof readPositions>;
}

export function liveEndpoints(context: GatewayContext): Endpoint[] {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024, perMessageDeflate: false });
  const text = { type: 'string', maxLength: 200 };
  return [
    {
      method: 'GET',
      path: '/v1/live',
      summary: 'Decisions, outcomes, changes of health and weights, and alerts, as they happen.',
      description: [
        'Server-sent events: `event` is the kind, `data` a JSON object, `id` a position in the log. Whoever comes again with Last-Event-ID goes on from there.',
        `\`missed\` says how many events a viewer was not told, since it was too slow or away for more than ${maxReplayed}; \`caught-up\` that what follows is new.`,
        'With `Upgrade: websocket` the same comes as messages `{ kind, id, data }`.',
      ].join(' '),
      parameters: [
        {
          name: 'kinds',
          in: 'query',
          required: false,
          doc: `separated by commas; of ${liveKinds.join(', ')}`,
          schema: text,
        },
        ...filterNames.map((name) => ({
          name,
          in: 'query' as const,
          required: false,
          doc: `only events with this ${name}`,
          schema: text,
        })),
        {
          name: 'last',
          in: 'query',
          required: false,
          doc: 'begin with so many of the newest events',
          schema: { type: 'integer', minimum: 0, maximum: maxReplayed },
        },
        {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          doc: 'id of the last event that was seen',
          schema: { type: 'string' },
        },
      ],
      responses: { 200: { doc: 'Events, for ever.', body: { contentType: 'text/event-stream' } } },
      errors: ['invalid_field', 'not_ready', 'overloaded'],
      handler: async (request, reply) => {
        const asked = readAsked(request);
        // A stream has no length to tell, and whoever asks for the head alone would wait for ever.
        if (request.method === 'HEAD') return reply.type('text/event-stream').send();
        if (request.headers.upgrade?.toLowerCase() === 'websocket')
          await overWebSocket(context, sockets, request, reply, asked);
        else await asEvents(context, request, reply, asked);
        return reply;
      },
    },
  ];
}

function readAsked(request: FastifyRequest): Asked {
  const given = request.query as Record<string, string | string[] | undefined>;
  for (const [name, value] of Object.entries(given)) {
    if (!(parameterNames as readonly string[]).includes(name))
      throw invalidField(name, `unknown parameter; known are ${parameterNames.join(', ')}`);
    if (Array.isArray(value)) throw invalidField(name, 'is given twice; which of the two is meant?');
  }
  const { kinds = liveKinds.join(','), last = '0' } = given as Record<string, string | undefined>;
  const wanted = z.array(z.enum(liveKinds)).safeParse(kinds.split(','));
  if (!wanted.success) throw invalidField('kinds', `must be of ${liveKinds.join(', ')}, separated by commas`);
  const count = z
    .int()
    .min(0)
    .max(maxReplayed)
    .safeParse(/^\d{1,5}$/.test(last) ? Number(last) : null);
  if (!count.success) throw invalidField('last', `must be a whole number from 0 to ${maxReplayed}`);
  const lastId = request.headers['last-event-id'];
  const positions = typeof lastId === 'string' && lastId !== '' ? readPositions(lastId) : null;
  if (typeof lastId === 'string' && lastId !== '' && positions === null)
    throw invalidField('Last-Event-ID', 'is no id of an event of ours');
  const fields: Partial<Record<FilterName, string>> = {};
  for (const name of filterNames) {
    const value = given[name];
    if (typeof value === 'string') fields[name] = value;
  }
  return { filter: { kinds: new Set<LiveKind>(wanted.data), fields }, last: count.data, positions };
}

async function asEvents(
  { live, clock }: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<void> {
  const response = reply.raw;
  // Refused as JSON while nothing has been sent.
  if (live.isFull) throw tooMany();
  reply.hijack();
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  const send: Send = (kind, id, json) => write(response, eventText(kind, id, json));
  const sendPassed: SendPassed = (passed) => write(response, passed.bytes());
  write(response, 'retry: 2000\n\n');
  await watch({
    live,
    clock,
    asked,
    send,
    sendPassed,
    beat: () => response.write(': \n\n'),
    mayStill: () => request.mayStill(),
    onClose: (closed) => request.raw.once('close', closed),
    onDrain: (drained) => response.on('drain', drained),
    end: () => response.end(),
    isClosed: () => response.destroyed,
  });
}

function write(response: ServerResponse, content: string | Buffer): boolean {
  // Who is being sent away may still be in the middle of a moment.
  return response.destroyed || response.writableEnded || response.write(content);
}

function tooMany(): HttpError {
  return new HttpError('overloaded', 'as many viewers as there may be are watching; try again later');
}

/** The way of an HTTP request, so that whatever refuses requests refuses sockets, too. */
async function overWebSocket(
  { live, clock }: GatewayContext,
  sockets: WebSocketServer,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
): Promise<void> {
  if (live.isFull) throw tooMany();
  const { raw } = request;
  const { head } = raw as typeof raw & { head?: Buffer };
  if (head === undefined) throw new HttpError('malformed_request', 'a WebSocket needs `Connection: Upgrade`');
  reply.hijack();
  reply.raw.detachSocket(raw.socket);
  const socket = await new Promise<WebSocket>((resolve) => sockets.handleUpgrade(raw, raw.socket, head, resolve));
  let resume = (): void => {};
  const send: Send = (kind, id, json) => {
    if (socket.readyState !== socket.OPEN) return true;
    socket.send(`{"kind":"${kind}","id":"${id}","data":${json}}`, () => {
      if (socket.bufferedAmount <= maxBufferedBytes / 2) resume();
    });
    return socket.bufferedAmount <= maxBufferedBytes;
  };
  const sendPassed: SendPassed = ({ messages }) => {
    // One write for all of them.
    raw.socket.cork();
    let takesMore = true;
    for (const { kind, id, json } of messages) takesMore = send(kind, id, json);
    raw.socket.uncork();
    return takesMore;
  };
  socket.on('error', () => socket.terminate());
  await watch({
    live,
    clock,
    asked,
    send,
    sendPassed,
    beat: () => socket.ping(),
    mayStill: () => request.mayStill(),
    onClose: (closed) => socket.once('close', closed),
    onDrain: (drained) => {
      resume = drained;
    },
    end: () => socket.close(1001),
    isClosed: () => socket.readyState !== socket.OPEN,
  });
}

interface Connected extends Pick<GatewayContext, 'live' | 'clock'> {
  readonly asked: Asked;
  readonly send: Send;
  readonly sendPassed?: SendPassed;
  readonly beat: () => void;
  readonly mayStill: () => Promise<boolean>;
  readonly onClose: (closed: () => void) => void;
  readonly onDrain: (drained: () => void) => void;
  readonly end: () => void;
  readonly isClosed: () => boolean;
}

/** Resolves once what was there before has been sent; from then on the connection lives by itself. */
async function watch({
  live,
  clock,
  asked,
  send,
  sendPassed,
  beat,
  mayStill,
  onClose,
  onDrain,
  end,
  isClosed,
}: Connected): Promise<void> {
  let stop = (): void => {};
  const gone = new AbortController();
  const every = (intervalMs: number, act: () => unknown): void => {
    const cancel = clock.setTimer(intervalMs, async () => {
      cancels.delete(cancel);
      await act();
      if (!gone.signal.aborted) every(intervalMs, act);
    });
    cancels.add(cancel);
  };
  const cancels = new Set<() => void>();
  every(heartbeatMs, beat);
  every(mayStillEveryMs, async () => {
    if (!(await mayStill()) && !gone.signal.aborted) end();
  });
  onClose(() => {
    gone.abort();
    for (const cancel of cancels) cancel();
    stop();
  });
  try {
    const watching = await live.hub.watch({
      ...asked,
      send,
      ...(sendPassed && { sendPassed }),
      onEnd: end,
      gone: gone.signal,
    });
    stop = watching.stop;
    onDrain(watching.resume);
    if (gone.signal.aborted || isClosed()) stop();
  } catch {
    // The log does not answer, or the gateway stops: the viewer comes again.
    end();
  }
}
