/** `quantum-router alerts` at the gateway of a whole engine, whose disk is fuller than its configuration likes. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from '../started';
import { createWorkplace } from './run-command';

const place = createWorkplace();
const environment = { USER: 'ann', SECRET: 'tell nobody' };

/** Resolves with the first delivery. */
async function receiver() {
  let deliver: (body: { type: string; data: { rule: string } }) => void = () => {};
  const delivered = new Promise<{ type: string; data: { rule: string } }>((resolve) => {
    deliver = resolve;
  });
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(request.headers['webhook-signature'] === undefined ? 401 : 204).end();
    deliver(JSON.parse(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, delivered };
}

test('a full disk rings, a webhook is told, the list shows it, and a silence has an author and a reason', async () => {
  const { url: webhook, delivered } = await receiver();
  const config = {
    models: [{ name: 'any', provider: 'any' }],
    alerts: {
      rules: { disk: { freeBytesBelow: Number.MAX_SAFE_INTEGER } },
      webhooks: [{ name: 'test', url: webhook, secretEnv: 'SECRET' }],
    },
  };
  place.write('router.yaml', JSON.stringify(config));
  const stop = new AbortController();
  const ready = new Promise<string>((resolve, reject) => {
    const serving = place.run(['serve', '--config', 'router.yaml', '--port', '0', '--log-level', 'silent'], {
      ...{ stop, environment },
      onStderr(text) {
        const url = /ready on (\S+)/.exec(text)?.[1];
        if (url) resolve(url);
      },
    });
    serving.then(({ stderr }) => reject(new Error(stderr)), reject);
    atEnd(async () => {
      stop.abort();
      await serving;
      place.remove();
    });
  });
  const url = await ready;
  expect(await delivered).toMatchObject({ type: 'alert.raised', data: { rule: 'disk', state: 'RAISED' } });
  const run = (...argv: string[]) => place.run([...argv, '--url', url], { environment });
  const listed = await run('alerts');
  expect(listed.stdout).toMatch(/critical +disk/);
  const silenced = await run(
    'alerts',
    'silence',
    '--rule',
    'disk',
    '--for',
    '2h',
    '--reason',
    'a larger one is coming',
  );
  expect(silenced.stdout).toMatch(/disk +all +ann .*a larger one is coming/);
  const { silences } = JSON.parse((await run('alerts', 'list', '--json')).stdout);
  expect(silences[0].untilMs - silences[0].createdAtMs).toBe(2 * 3_600_000);
  const { exitCode, stderr } = await run('alerts', 'unsilence', silences[0].silenceId.slice(0, 7));
  expect(exitCode).toBe(1);
  expect(stderr).toContain('is too short; say its first 8 characters');
  expect((await run('alerts', 'unsilence', '')).exitCode).toBe(2);
  expect((await run('alerts', 'unsilence', silences[0].silenceId.slice(0, 8))).stdout).not.toContain('a larger one');
  const audit = await run('audit');
  expect(audit.stdout).toMatch(/alerts\.unsilence.*alerts\.silence/s);
});

test.each([
  [['alerts', 'silence'], '--reason'],
  [['alerts', 'silence', '--reason', 'why', '--rule', 'errorrate'], 'errorRate'],
  [['alerts', 'silence', '--reason', 'why', '--for', '40d'], 'up to 30d'],
])('%j is refused with what is wrong', async (argv, message) => {
  const ran = await place.run(argv);
  expect([ran.exitCode, ran.stderr]).toEqual([2, expect.stringContaining(message)]);
});
