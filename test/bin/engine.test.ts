import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

test('serve runs the engine until it is told to stop; route and explain work on the same store', async () => {
  await place.run(['init', 'c.yaml']);
  const stop = new AbortController();
  let onReady = (_url: string): void => {};
  const ready = new Promise<string>((resolve) => {
    onReady = resolve;
  });
  const served = place.run(
    ['serve', '--config', 'c.yaml', '--data-dir', 'store', '--port', '0', '--partitions', '2', '--log-level', 'silent'],
    {
      stop,
      onStderr: (text) => {
        const url = /ready on (http:\S+)/.exec(text)?.[1];
        if (url) onReady(url);
      },
    },
  );
  const url = await Promise.race([ready, served.then((ran) => Promise.reject(new Error(ran.stderr)))]);

  const routed = await place.run(['route', '-', '--url', url], {
    stdin: ['{"requestId": "first", "prompt": "Write a poem"}\n{"prompt": 1}\n'],
  });
  expect(routed.exitCode).toBe(1);
  expect(JSON.parse(routed.stdout.split('\n')[0]!)).toMatchObject({ requestId: 'first', degradedTo: 'NONE' });
  expect((await place.run(['explain', 'first', '--url', url])).stdout).toMatch(/^request first: /);

  // The store belongs to one process at a time; the port to one listener.
  const second = await place.run(['explain', 'first', '--data-dir', 'store']);
  expect(second.exitCode).toBe(1);
  expect(second.stderr.trim().split('\n')).toHaveLength(1);
  const samePort = await place.run([
    'serve',
    '--config',
    'c.yaml',
    '--data-dir',
    'other',
    '--port',
    new URL(url).port,
    '--log-level',
    'silent',
  ]);
  expect([samePort.exitCode, samePort.stderr]).toEqual([
    1,
    `error: cannot listen on 127.0.0.1:${new URL(url).port}: the port is taken (--port chooses another)\n`,
  ]);

  stop.abort();
  const ran = await served;
  expect([ran.exitCode, ran.stdout]).toEqual([0, '']);
  expect(ran.stderr).toMatch(/stopping: finishing what is under way\n$/);

  const explained = await place.run(['explain', 'first', '--data-dir', 'store', '--debug']);
  expect(explained.stderr).toBe('');
  expect(explained.stdout).toMatch(/^request first: /);
  const missing = await place.run(['explain', 'nobody', '--data-dir', 'store']);
  expect(missing.stderr).toBe('error: no decision with id "nobody" among the newest records in the store in store\n');
  expect((await place.run(['explain', 'x', '--data-dir', 'nowhere'])).stderr).toBe(
    'error: there is no store in nowhere\n',
  );

  const local = await place.run(['route', '-', '--data-dir', 'store', '--partitions', '2', '--config', 'c.yaml'], {
    stdin: ['{"requestId": "second", "prompt": "2+2?"}'],
  });
  expect([local.exitCode, JSON.parse(local.stdout).requestId]).toEqual([0, 'second']);
});

test('without a configuration the built-in example is used, and that is said', async () => {
  const { exitCode, stderr } = await place.run(['serve', '--data-dir', 'new', '--port', '0', '--log-level', 'silent'], {
    stop: (() => {
      const stop = new AbortController();
      stop.abort();
      return stop;
    })(),
  });
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^no quantum-router.yaml here: using what is in force, else the example models/);
});

test('a wrong configuration stops serve before anything starts', async () => {
  place.write('wrong.yaml', 'models: []\n');
  const { exitCode, stderr } = await place.run(['serve', '--config', 'wrong.yaml']);
  expect([exitCode, stderr]).toEqual([
    1,
    'error: the configuration is not valid:\nwrong.yaml:1:9 models: must be a list of at least 1\n',
  ]);
});
