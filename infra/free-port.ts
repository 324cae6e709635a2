/** Ports for servers that are started for a test, and a readable word when a port is somebody else's. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range that systems hand to outgoing connections. A port from that range can be lost while a server is
// restarted: a client that keeps trying to connect may be given the very port as its own end.
const firstPort = 20_000;
const lastPort = 29_999;

/**
 * How many test workers can be told apart. Each draws from ports of its own: a server that a test stops, to start it
 * again at the same port, would otherwise find there what another worker started meanwhile, and so would its clients.
 */
const workerCount = 10;
const portsPerWorker = (lastPort - firstPort + 1) / workerCount;

/** Which ports `findFreePort` draws from in this process: the first and the last of them. */
export function portRange(workerId = Number(process.env['JEST_WORKER_ID'] ?? 0)): readonly [number, number] {
  const first = firstPort + (workerId % workerCount) * portsPerWorker;
  return [first, first + portsPerWorker - 1];
}

/** The first of `count` neighbouring ports on 127.0.0.1 that nobody listens on at the moment. */
export async function findFreePort(count: number): Promise<number> {
  const [first, last] = portRange();
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(first, last - count + 2);
    if (await areFree(port, count)) return port;
  }
  throw new Error(`no ${count} free neighbouring ports between ${first} and ${last}`);
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
