import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createVirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import { createLog } from '../../lib/telemetry/log';
import { startEngine } from '../../services/engine';
import { memoryHome } from '../../services/home';

test('a port that is taken is noticed before anything is started or written', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const home = memoryHome({ clock: createVirtualClock(), seed: 1 });
  const made: string[] = [];
  const broker = {
    ...home.broker,
    ensureTopics: (settings: readonly { name: string }[]) => {
      made.push(...settings.map(({ name }) => name));
      return home.broker.ensureTopics(settings as never);
    },
  };
  const engine = startEngine({
    home: { ...home, broker },
    config: defaultRouterConfig([{ name: 'a', provider: 'b' }]),
    partitions: 1,
    trainer: 'inline',
    http: { host: '127.0.0.1', port },
    log: createLog({ level: 'silent' }),
  });
  await expect(engine).rejects.toThrow(/EADDRINUSE/);
  expect(made).toEqual([]);
  await home.close();
  await new Promise((resolve) => other.close(resolve));
});
