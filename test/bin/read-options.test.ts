import { createServer, type Server } from 'node:net';
import { reasonNotListening } from '../../bin/read-options';

const taken = (listener: Server, port: number): Promise<Error> =>
  new Promise((resolve) => createServer().once('error', resolve).listen(port, '127.0.0.1')).finally(() =>
    listener.close(),
  ) as Promise<Error>;

test('of two ports the one that is taken is named, with the option that chooses another', async () => {
  const listener = createServer();
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  const error = await taken(listener, port);
  const other = port === 1 ? 2 : 1;
  expect(reasonNotListening(error, { host: '127.0.0.1', port: other, adminPort: port })).toBe(
    `cannot listen on 127.0.0.1:${port}: the port is taken (--admin-port chooses another)`,
  );
  expect(reasonNotListening(error, { host: '127.0.0.1', port, adminPort: other })).toBe(
    `cannot listen on 127.0.0.1:${port}: the port is taken (--port chooses another)`,
  );
  expect(reasonNotListening(new Error('something else'), { host: '127.0.0.1', port })).toBeNull();
});
