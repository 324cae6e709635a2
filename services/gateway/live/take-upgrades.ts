/**
 * Requests that would rather speak another protocol. A WebSocket goes the way of a request, so what is asked of requests
 * before they are answered is asked of it, too. Any other protocol (clients of Java ask for HTTP/2) is passed over, as HTTP
 * allows, and the request answered as if it had not been mentioned.
 */
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export function takeUpgrades(server: Server, listener: RequestListener): void {
  server.on('upgrade', (request, stream, head) => {
    const socket = stream as Socket;
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      readAgain(server, socket, request, head);
      return;
    }
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.setHeader('connection', 'close');
    response.on('finish', () => socket.end());
    listener(Object.assign(request, { head }), response);
  });
}

const left = new Set(['upgrade', 'http2-settings', 'connection']);

/** The server gives up a connection for whoever takes the other protocol; nobody does, so it gets the request once more. */
function readAgain(server: Server, socket: Socket, { method, url, rawHeaders }: IncomingMessage, head: Buffer): void {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (!left.has(rawHeaders[i]!.toLowerCase())) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  // What has been deciphered must not be taken for the beginning of another handshake.
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
}
