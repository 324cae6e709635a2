/** Ports for servers that are started for a test, and a readable word when a port is somebody else's. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range that systems hand to outgoing connections. A port from that range can be lost while a server is
// restarted: a client that keeps trying to connect may be given the very port as its own end.
const firstPort = 20_000;
const lastPort = 29_999;

/** The first of `count` neighbouring ports on 127.0.0.1 that nobody listens on at the moment. */
export async function findFreePort(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(firstPort, lastPort - count + 2);
    if (await areFree(port, count)) return port;
  }
  throw new Error(`no ${count} free neighbouring ports between ${firstPort} and ${lastPort}`);
}

/** Whether all of `count` ports from `port` on can be listened on. */
export async function areFree(port: number, count: number): Promise<boolean> {
  for (let offset = 0; offset < count; offset++) if (!(await isFree(port + offset))) return false;
  return true;
}

/** Whether nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  });
}
