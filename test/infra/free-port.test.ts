import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { areFree, findFreePort, portRange } from '../../infra/free-port';
import { readPort } from '../../infra/read-port';

const servers: Server[] = [];

async function listen(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

it('finds neighbouring ports that can be listened on, below those of outgoing connections', async () => {
  const port = await findFreePort(2);
  expect(port).toBeGreaterThanOrEqual(20_000);
  expect(port + 1).toBeLessThan(30_000);
  expect([await listen(port), await listen(port + 1)]).toEqual([port, port + 1]);
});

it('gives every test worker ports of its own, so that none takes one that another frees for a moment', async () => {
  const ranges = [0, 1, 2, 3].map((workerId) => portRange(workerId));
  for (const [i, [first, last]] of ranges.entries()) {
    expect(last).toBeGreaterThan(first);
    for (const [otherFirst, otherLast] of ranges.slice(i + 1))
      expect(last < otherFirst || otherLast < first).toBe(true);
  }
  const [first, last] = portRange();
  for (let i = 0; i < 20; i++) {
    const port = await findFreePort(2);
    expect(port).toBeGreaterThanOrEqual(first);
    expect(port + 1).toBeLessThanOrEqual(last);
  }
});

it('sees that one of the ports is taken', async () => {
  const port = await findFreePort(2);
  expect(await areFree(port, 2)).toBe(true);
  await listen(port + 1);
  expect(await areFree(port, 1)).toBe(true);
  expect(await areFree(port, 2)).toBe(false);
});

describe('a port from the environment', () => {
  afterEach(() => {
    delete process.env['SOME_PORT'];
  });

  it('is read, or the default without one', () => {
    expect(readPort('SOME_PORT', 9092)).toBe(9092);
    process.env['SOME_PORT'] = '19092';
    expect(readPort('SOME_PORT', 9092)).toBe(19_092);
  });

  it.each(['0', '65535', '90.5', 'kafka', '-1'])('is refused as %s, naming the variable', (text) => {
    process.env['SOME_PORT'] = text;
    expect(() => readPort('SOME_PORT', 9092)).toThrow(`SOME_PORT must be a port from 1 to 65534, not ${text}`);
  });
});
