/**
 * The listening socket of the gateway, bound before anything else is started: a port that is taken is noticed at once, and
 * whoever asks meanwhile hears "not ready" instead of nothing. Time-outs and limits keep slow and many connections from
 * using it up.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createLog, type Log } from '../../../lib/telemetry/log';
import type { Metrics } from '../../../lib/telemetry/metrics';
import { defaultGatewaySettings, type GatewaySettings } from '../config';
import { formOf, formOfPath } from '../doors/error-form';
import { takeUpgrades } from '../live/take-upgrades';
import { type ErrorCode, HttpError } from './http-error';
import { followTlsFiles } from './tls-files';

export interface Door {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** Where administration has a port of its own; null where it has none. */
  readonly admin: string | null;
  /** From now on requests go to this listener. */
  handOver(listener: RequestListener): void;
  /** What whoever asks before that is told. */
  sayWhy(why: string): void;
  /** Takes no more connections; resolves when the requests that are under way have been answered. */
  close(): Promise<void>;
}

/** In which all that has arrived is read. */
const unreadMs = 100;
/** In which a request that is on its way to a new connection arrives, a lost packet of it included. */
const onItsWayMs = 1_000;

const byAdminPort = new WeakSet<IncomingMessage>();

/** Whether a request came by the port of administration. */
export function cameByAdminPort(request: IncomingMessage): boolean {
  return byAdminPort.has(request);
}

/** Whether it came by a port for callers alone: administration has one of its own. */
export function isAtCallersPort(request: IncomingMessage, { adminPort }: Pick<GatewaySettings, 'adminPort'>): boolean {
  return adminPort !== null && !cameByAdminPort(request);
}

/** Rejects when a port is taken, and where certificate or key cannot be used. */
export async function openDoor(
  wanted: Partial<GatewaySettings>,
  metrics: Metrics,
  log: Log = createLog({ level: 'silent' }),
): Promise<Door> {
  const settings = { ...defaultGatewaySettings, ...wanted };
  const main = await openPort(settings, metrics, log);
  const { adminPort, adminHost } = settings;
  if (adminPort === null) return main;
  let admin: Door;
  try {
    admin = await openPort({ ...settings, host: adminHost, port: adminPort }, metrics, log);
  } catch (error) {
    await main.close();
    throw error;
  }
  return {
    ...main,
    admin: admin.url,
    sayWhy(why) {
      main.sayWhy(why);
      admin.sayWhy(why);
    },
    handOver(next) {
      main.handOver(next);
      admin.handOver((request, response) => {
        byAdminPort.add(request);
        next(request, response);
      });
    },
    async close() {
      await Promise.all([main.close(), admin.close()]);
    },
  };
}

async function openPort(settings: GatewaySettings, metrics: Metrics, log: Log): Promise<Door> {
  let listener: RequestListener = answerStarting('the services are starting');
  let closing = false;
  /** The newest request of each open connection. */
  const asking = new Map<Socket, IncomingMessage | null>();
  const timeouts = {
    headersTimeout: Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs),
    requestTimeout: settings.requestTimeoutMs,
    connectionsCheckingInterval: settings.timeoutCheckMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
  };
  const onRequest: RequestListener = (request, response) => {
    asking.set(request.socket, request);
    // Whoever keeps the connection open after its answer would hold up the end.
    if (closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    listener(request, response);
  };
  const tls = settings.tls && followTlsFiles(settings.tls, { metrics, log });
  const tlsServer =
    tls &&
    createTlsServer(
      { ...timeouts, ...tls.pair, handshakeTimeout: settings.headersTimeoutMs, minVersion: 'TLSv1.2' },
      onRequest,
    );
  if (tlsServer) tls.onChange((pair) => tlsServer.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }));
  const server: Server = tlsServer ?? createServer(timeouts, onRequest);
  server.maxConnections = settings.maxConnections;
  server.setTimeout(settings.idleTimeoutMs, (socket) => socket.destroy());
  const accepted = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    accepted.add(socket);
    socket.once('close', () => accepted.delete(socket));
  });
  // With TLS, what a request comes by is another socket than the one that was accepted.
  server.on(tlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    asking.set(socket, null);
    socket.once('close', () => asking.delete(socket));
    if (closing) closeUnused();
  });
  // Connections that were opened in advance, as clients and load balancers do, are not idle to the server.
  const closeUnused = (): void => {
    const whenRead = (): void => {
      for (const socket of accepted) if (socket.bytesRead === 0) socket.destroy();
      for (const [socket, request] of asking) if (request === null && socket.bytesRead === 0) socket.destroy();
    };
    setTimeout(() => setImmediate(whenRead), onItsWayMs).unref();
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') return answerClientError(error, socket);
    // The server looks at its clock before it reads: after a stall of the process, what has come in time would be called late.
    const before = asking.get(socket) ?? null;
    const wasComplete = before?.complete === true;
    setTimeout(() => {
      setImmediate(() => {
        const now = asking.get(socket) ?? null;
        const hasCome = now?.complete === true && (now !== before || !wasComplete);
        if (!hasCome) answerClientError(error, socket);
      });
    }, unreadMs);
  });
  // Here and not by whoever takes the requests, so that no port is without it.
  takeUpgrades(server, onRequest);
  server.on('drop', () => metrics.count('quantum_router_http_dropped_connections_total', {}));
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      tls?.stop();
      reject(error);
    };
    server.once('error', fail);
    server.listen(settings.port, settings.host, () => {
      server.off('error', fail);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return {
    server,
    port,
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    admin: null,
    handOver(next) {
      listener = next;
    },
    sayWhy(why) {
      listener = answerStarting(why);
    },
    close() {
      closing = true;
      tls?.stop();
      // The server's own time-outs end with close(): a request that never becomes complete would keep it open for ever.
      const deadline = setTimeout(() => {
        for (const [socket, request] of asking) if (!request?.complete) socket.destroy();
      }, settings.requestTimeoutMs);
      closeUnused();
      return new Promise((resolve) => {
        // The only error is that it is closed already.
        server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

/** Until the gateway is there: it lives, and is not ready. */
const answerStarting =
  (why: string): RequestListener =>
  (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const refused = new HttpError('not_ready', `not ready yet: ${why}`);
    if (path === '/health') answer(response, 200, { status: 'ok' });
    else if (path === '/ready') answer(response, 503, { ready: false, waitingFor: [why] });
    else answer(response, 503, formOf(refused, formOfPath(path)));
  };

function answer(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'content-type': 'application/json; charset=utf-8', connection: 'close' };
  response.writeHead(status, status === 503 ? { ...headers, 'retry-after': '1' } : headers).end(JSON.stringify(body));
}

const clientErrors = new Map<string | undefined, readonly [ErrorCode, string]>([
  ['ERR_HTTP_REQUEST_TIMEOUT', ['request_timeout', 'the request did not arrive in time']],
  ['HPE_HEADER_OVERFLOW', ['headers_too_large', 'the headers are larger than 16 kB']],
]);
const malformed: readonly [ErrorCode, string] = ['malformed_request', 'this is no HTTP/1.1 request'];

/** Bytes that are no HTTP, or not in time: there is no response object to answer with. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, message] = clientErrors.get(error.code) ?? malformed;
  const refused = new HttpError(code, message);
  const body = JSON.stringify(refused.toJSON());
  const head = [
    `HTTP/1.1 ${refused.status} ${code === 'request_timeout' ? 'Request Timeout' : 'Bad Request'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Not end(): a client that never closes its side would keep the connection.
  socket.destroySoon();
}
