/**
 * Viewers of /v1/live in a process of their own, forked by `live.ts`: as many as the parent says, reading all they are sent and
 * keeping nothing, or, with a second argument `never-read`, taking nothing after the head of the answer. Answers each order
 * with how many watch and how many bytes have come since the last one.
 */
import { connect, type Socket } from 'node:net';

export interface ViewersOrder {
  readonly viewers: number;
}
export interface ViewersState {
  readonly viewers: number;
  readonly bytes: number;
}

const url = new URL(process.argv[2]!);
const neverReads = process.argv[3] === 'never-read';
const sockets: Socket[] = [];
let bytes = 0;

function watch(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.once('error', reject);
    socket.once('data', (data) => {
      if (!data.toString().startsWith('HTTP/1.1 200')) reject(new Error(data.toString().slice(0, 200)));
      if (neverReads) socket.pause();
      resolve(socket);
    });
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.write(`GET /v1/live HTTP/1.1\r\nhost: ${url.host}\r\naccept: text/event-stream\r\n\r\n`);
  });
}

process.on('message', async ({ viewers }: ViewersOrder) => {
  for (const socket of sockets.splice(viewers)) socket.destroy();
  while (sockets.length < viewers) sockets.push(await watch());
  const state: ViewersState = { viewers: sockets.length, bytes };
  bytes = 0;
  process.send!(state);
});
