import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

test('serve runs the engine until it is told to stop; route and explain work on the same store', async () => {
  await place.run(['init', 'c.yaml']);
  const stop = new AbortController();
  const hangup = { send: () => {} };
  let onTaken = (): void => {};
  let onReady = (_url: string): void => {};
  const ready = new Promise<string>((resolve) => {
    onReady = resolve;
  });
  const served = place.run(
    ['serve', '--config', 'c.yaml', '--data-dir', 'store', '--port', '0', '--partitions', '2', '--log-level', 'silent'],
    {
      stop,
      hangup,
      onStderr: (text) => {
        if (text.includes('file c.yaml is in force as version 2')) onTaken();
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

  place.write('other.yaml', `${place.read('c.yaml').replace(/^explorationFloor:.*$/m, '')}\nexplorationFloor: 0.5\n`);
  const diff = await place.run(['config', 'diff', 'other.yaml', '--replay', '1h', '--url', url]);
  expect(diff.stderr).toBe('');
  expect(diff.stdout).toMatch(
    /^explorationFloor: .* → 0\.5\n\n1 requests decided again, 1 by both; [01] go to another/,
  );
  expect(diff.stdout).toMatch(/\nexpected cost a request +\$\S+ +\$\S+/);

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

  // A good file is taken over while it runs, when it is told to.
  const taken = new Promise<void>((resolve) => {
    onTaken = resolve;
  });
  place.write('c.yaml', place.read('other.yaml'));
  hangup.send();
  await taken;

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

test('what PUT /v1/config changed stays over a restart with the same file, until the file is said to win', async () => {
  const yaml = (seed: number) => `models:\n  - { name: a, provider: p }\nseed: ${seed}\n`;
  place.write('mine.yaml', yaml(1));
  /** Serves until `use` is through; what was written to stderr. */
  const serve = async (extra: string[], use: (url: string) => Promise<void>): Promise<string> => {
    const stop = new AbortController();
    let used: Promise<void> | null = null;
    const options = ['--data-dir', 'drift', '--port', '0', '--partitions', '1', '--log-level', 'silent'];
    const ran = await place.run(['serve', '--config', 'mine.yaml', ...options, ...extra], {
      stop,
      onStderr: (text) => {
        const url = /ready on (http:\S+)/.exec(text)?.[1];
        if (url) used ??= use(url).finally(() => stop.abort());
      },
    });
    await used;
    expect([ran.exitCode, used]).toEqual([0, expect.anything()]);
    return ran.stderr;
  };
  const inForce = async (url: string): Promise<{ version: number; config: { seed: number } }> =>
    (await fetch(`${url}/v1/config`)).json() as never;
  const has = (version: number, seed: number) => async (url: string) =>
    expect(await inForce(url)).toMatchObject({ version, config: { seed } });

  await serve([], async (url) => {
    const { version, config } = await inForce(url);
    const put = async (change: object) => {
      const body = JSON.stringify({ version, config: { ...config, ...change } });
      const answer = await fetch(`${url}/v1/config?acceptRestart=true`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body,
      });
      return [answer.status, await answer.json()];
    };
    // With it in force this process, which has no key, would not start again.
    expect(await put({ encoder: { keyed: true } })).toMatchObject([400, { error: { field: 'encoder.keyed' } }]);
    expect(await put({ seed: 7 })).toMatchObject([200, {}]);
  });
  const again = await serve([], has(2, 7));
  expect(again).toMatch(
    /^warning: file mine.yaml is NOT in force: version 2 \(PUT from 127\.0\.0\.1 .*\) has changed it since this file was last put in force\. It would change:\n {2}seed: 7 → 1\n.*--config-wins\.\nready/,
  );
  const won = await serve(['--config-wins'], has(3, 1));
  expect(won).toMatch(/^file mine.yaml is in force as version 3; it changed:\n {2}seed: 7 → 1\n/);
  // Edited, and nobody else has changed anything: put in force.
  place.write('mine.yaml', yaml(5));
  expect(await serve([], has(4, 5))).toMatch(/seed: 1 → 5/);
});
