import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { systemClock, systemIds } from '../../../lib/adapters/system';
import { sleep } from '../../../lib/ports/clock';

describe('system', () => {
  test('both clocks go forward with their timers', async () => {
    const clock = systemClock();
    const [wall, monotonic] = [clock.nowMs(), clock.monotonicMs()];
    await sleep(clock, 2);
    expect(clock.nowMs()).toBeGreaterThan(wall);
    expect(clock.monotonicMs()).toBeGreaterThan(monotonic);
  });

  test('a cancelled timer never fires', async () => {
    const clock = systemClock();
    let fired = false;
    const cancel = clock.setTimer(1, () => {
      fired = true;
    });
    cancel();
    await sleep(clock, 5);
    cancel();
    expect(fired).toBe(false);
  });

  test('after a stall of the process, what is overdue waits for what has arrived meanwhile', async () => {
    const order: string[] = [];
    const server = createServer((socket) => socket.on('data', () => order.push('read')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    await new Promise<void>((resolve) => {
      systemClock().setTimer(5, () => {
        order.push('overdue');
        resolve();
      });
      socket.write('it is there');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    });
    socket.destroy();
    server.close();
    expect(order).toEqual(['read', 'overdue']);
  });

  test('ids are all different', () => {
    const next = systemIds();
    expect(new Set(Array.from({ length: 100 }, () => next())).size).toBe(100);
  });
});
