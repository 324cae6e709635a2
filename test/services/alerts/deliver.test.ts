/** Deliveries to a real server on this machine: signed, tried again, bounded, and never an end of anything. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { alertsSchema } from '../../../lib/config/schema/alert-schema';
import type { Alert } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createAlertWebhooks } from '../../../services/alerts/service';
import { atEnd } from '../../started';
import { createWorld } from '../one-service';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers with each status in turn, and with the last one from then on. */
async function receiver(...statuses: number[]) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      const status = statuses[Math.min(received.length, statuses.length) - 1] ?? 204;
      response.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(1_000));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

async function start(webhooks: readonly object[], environment: Record<string, string> = {}) {
  const world = await createWorld();
  const alerts = alertsSchema.parse({ webhooks });
  const config = defaultRouterConfig([{ name: 'any', provider: 'any' }], { alerts });
  await world.send(topics.config, [
    { version: 1, json: configToJson(config), appliedAtMs: 1, appliedBy: '', fileSha256: null },
  ]);
  const service = await world.start(createAlertWebhooks({ ...world, environment }));
  const results = async (webhook = 'one') => {
    const count = async (result: string) =>
      world.metrics.value('quantum_router_alert_webhooks_total', { webhook, result });
    return { delivered: await count('delivered'), failed: await count('failed'), givenUp: await count('given-up') };
  };
  /** The network has its own time: turns of the event loop pass until it holds. */
  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await holds())) {
      await world.clock.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { world, service, results, until };
}

const alertOf = (atMs: number, change: Partial<Alert> = {}): Alert => ({
  ...{
    alertId: 'disk//1',
    rule: 'disk',
    subject: '',
    severity: 'warning',
    state: 'RAISED',
    summary: 'the disk is full',
  },
  ...{
    value: 1,
    threshold: 2,
    raisedAtMs: atMs,
    resolvedAtMs: null,
    silencedUntilMs: null,
    notify: true,
    changedAtMs: atMs,
  },
  ...change,
});

test('a delivery is signed as Standard Webhooks say, with the secret of the environment', async () => {
  const { url, received } = await receiver(204);
  const { world, until } = await start([{ name: 'one', url, secretEnv: 'SECRET' }], { SECRET: 'tell nobody' });
  await world.send(topics.alerts, [alertOf(world.clock.nowMs())]);
  await until(() => received.length > 0);
  const [{ headers, body }] = received as [Received];
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const signature = createHmac('sha256', 'tell nobody').update(signed).digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  expect(JSON.parse(body)).toMatchObject({ type: 'alert.raised', data: { rule: 'disk', summary: 'the disk is full' } });
});

test.each([
  ['whose subject has characters of two halves', { alertId: 'budget/käse-🧀-𝔐/1', subject: 'käse-🧀-𝔐' }],
  ['of a time on no calendar', { changedAtMs: 2 ** 53 - 2 ** 10 }],
])('an alert %s is told like any other', async (_what, change) => {
  const { url, received } = await receiver(204);
  const { world, until, results } = await start([{ name: 'one', url, secretEnv: 'SECRET' }], { SECRET: 'x' });
  await world.send(topics.alerts, [alertOf(world.clock.nowMs(), change)]);
  await until(async () => (await results()).delivered + (await results()).failed > 0);
  expect(received).toHaveLength(1);
  expect(received[0]!.headers['webhook-id']).toMatch(/^[\x21-\x7e]+$/);
});

test('what fails is tried again after growing waits, under the same id, and a redirect is not followed', async () => {
  const { url, received } = await receiver(500, 302, 200);
  const { world, until, results } = await start([{ name: 'one', url }]);
  await world.send(topics.alerts, [alertOf(world.clock.nowMs())]);
  for (const [tried, waitMs] of [
    [1, 1_000],
    [2, 5_000],
  ] as const) {
    await until(async () => (await results()).failed === tried);
    expect(received).toHaveLength(tried);
    await world.clock.advanceBy(waitMs - 1);
    expect(received).toHaveLength(tried);
    await world.clock.advanceBy(1);
  }
  await until(async () => (await results()).delivered === 1);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(received).toHaveLength(3);
});

test('what is no longer so is not told after what is: an older word is not tried again', async () => {
  const { url, received } = await receiver(500, 204);
  const { world, until, results } = await start([{ name: 'one', url }]);
  const nowMs = world.clock.nowMs();
  await world.send(topics.alerts, [alertOf(nowMs)]);
  await until(async () => (await results()).failed === 1);
  await world.send(topics.alerts, [alertOf(nowMs, { state: 'RESOLVED', resolvedAtMs: nowMs, changedAtMs: nowMs + 1 })]);
  await until(async () => (await results()).delivered === 1);
  await world.clock.advanceBy(600_000);
  await until(async () => (await results()).givenUp === 1);
  expect(received.map(({ body }) => JSON.parse(body).type)).toEqual(['alert.raised', 'alert.resolved']);
});

test('an address that takes nothing is given up after the last try, and the service goes on', async () => {
  const { world, until, results } = await start([{ name: 'one', url: 'http://127.0.0.1:9/' }]);
  await world.send(topics.alerts, [alertOf(world.clock.nowMs())]);
  await until(async () => {
    await world.clock.advanceBy(600_000);
    return (await results()).givenUp === 1;
  });
  expect(await results()).toEqual({ delivered: 0, failed: 6, givenUp: 1 });
  expect(world.fatal).toEqual([]);
});

test('nobody is told of what is silenced, too mild, or long over', async () => {
  const { url, received } = await receiver(204);
  const { world, until } = await start([{ name: 'one', url, minSeverity: 'critical' }]);
  const nowMs = world.clock.nowMs();
  await world.send(topics.alerts, [
    alertOf(nowMs, { severity: 'critical', notify: false, alertId: 'silenced' }),
    alertOf(nowMs, { alertId: 'mild' }),
    alertOf(nowMs - 2 * 3_600_000, { severity: 'critical', alertId: 'old' }),
    alertOf(nowMs, { severity: 'critical', alertId: 'told' }),
  ]);
  await until(() => received.length > 0);
  expect(received.map(({ body }) => JSON.parse(body).data.alertId)).toEqual(['told']);
});

test.each([
  ['a secret', { url: 'http://127.0.0.1:9/', secretEnv: 'NONE' }],
  ['an address', { urlEnv: 'NONE' }],
  ['an address of another kind', { urlEnv: 'FILE' }],
  ['an address with a user', { urlEnv: 'USER' }],
])('without %s in the environment nothing is sent, and it is counted', async (_what, webhook) => {
  const environment = { FILE: 'file:///etc/passwd', USER: 'http://me:secret@127.0.0.1/' };
  const { world, until } = await start([{ name: 'one', ...webhook }], environment);
  await world.send(topics.alerts, [alertOf(world.clock.nowMs())]);
  const counted = () =>
    world.metrics.value('quantum_router_alert_webhooks_total', { webhook: 'one', result: 'not-configured' });
  await until(async () => (await counted()) === 1);
  expect(await counted()).toBe(1);
});

test('what waits for another try is bounded, and a stop gives it up', async () => {
  const { world, service, until } = await start([{ name: 'one', url: 'http://127.0.0.1:9/' }]);
  const nowMs = world.clock.nowMs();
  await world.send(
    topics.alerts,
    Array.from({ length: 300 }, (_, i) => alertOf(nowMs, { alertId: `a${i}` })),
  );
  const full = () =>
    world.metrics.value('quantum_router_alert_webhooks_total', { webhook: 'one', result: 'queue-full' });
  await until(async () => (await full()) === 44);
  const stopped = service.stop();
  await world.clock.settle();
  await stopped;
  expect(world.clock.nextTimerAt()).toBeNull();
});
