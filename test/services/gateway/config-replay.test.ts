/** POST /v1/config/replay on opened requests that lie in the log. */
import { topics } from '../../../lib/topics/topics';
import { candidateOf, openedOf } from '../../lib/routing/fixtures';
import { startGateway, testConfig } from './start-gateway';

type Started = Awaited<ReturnType<typeof startGateway>>;

const costly = { ...testConfig, strategies: ['BALANCED'] as const, preference: { quality: 1, cost: 0, latency: 0 } };
const thrifty = { ...costly, preference: { quality: 0, cost: 1, latency: 0 } };

async function sendOpened(started: Started, requestId: string, partition: number, openedAtMs: number): Promise<void> {
  const opened = openedOf({
    requestId,
    openedAtMs,
    seed: 11,
    strategies: ['BALANCED'],
    collapse: costly.collapse,
    preference: costly.preference,
    explorationFloor: costly.explorationFloor,
    candidates: [
      candidateOf('large', 'north', { expectedQuality: 0.9, expectedCostUsd: 0.02, observations: 100 }),
      candidateOf('small', 'south', { expectedQuality: 0.6, expectedCostUsd: 0.001, observations: 100 }),
    ],
  });
  const { name, codec } = topics.routeOpened;
  const producer = started.broker.producer(`test-${requestId}`);
  await producer.send([{ topic: name, partition, key: requestId, value: codec.encode(opened) }]);
  await producer.close();
}

test('says what recent requests would have cost, and how good they would have been', async () => {
  const started = await startGateway({ config: costly });
  const nowMs = started.clock.nowMs();
  for (let i = 0; i < 20; i++) await sendOpened(started, `r${i}`, i % 4, nowMs);
  // Twice in the log, and from before the time that is asked about.
  await sendOpened(started, 'r0', 0, nowMs);
  await sendOpened(started, 'old', 1, nowMs - 7_200_000);
  const { status, body } = await started.call('POST', '/v1/config/replay', { config: thrifty });
  expect(status).toBe(200);
  expect(body).toMatchObject({ requests: 20, decided: 20, withoutWeights: 0, before: { refused: 0 } });
  expect(body.changed).toBeGreaterThan(15);
  expect(body.before.shares.large).toBeGreaterThan(0.9);
  expect(body.after.shares.small).toBeGreaterThan(0.9);
  expect(body.after.expectedCostUsd).toBeLessThan(0.2 * body.before.expectedCostUsd);
  expect(body.after.expectedQuality).toBeLessThan(body.before.expectedQuality - 0.2);
  const few = await started.call('POST', '/v1/config/replay', { config: thrifty, maxRequests: 4 });
  // The newest of each partition, of which one is from before.
  expect(few.body.requests).toBe(3);
  const same = await started.call('POST', '/v1/config/replay', {});
  expect([same.body.changed, same.body.before]).toEqual([0, same.body.after]);
  expect((await started.call('GET', '/v1/config')).body.version).toBe(1);
  await started.stop();
});

test('versions of the history are compared with one another; what does not exist or is no configuration is named', async () => {
  const started = await startGateway({ config: costly });
  await sendOpened(started, 'r', 0, started.clock.nowMs());
  expect((await started.call('PUT', '/v1/config', { version: 1, config: thrifty })).status).toBe(200);
  const forth = await started.call('POST', '/v1/config/replay', { against: 1, version: 2 });
  const back = await started.call('POST', '/v1/config/replay', { against: 2, version: 1 });
  expect(forth.body.after).toEqual(back.body.before);
  expect(forth.body.before).toEqual(back.body.after);
  const errorOf = async (body: unknown) => {
    const { status, body: answer } = await started.call('POST', '/v1/config/replay', body);
    return [status, answer.error.field];
  };
  expect(await errorOf({ version: 9 })).toEqual([404, 'version']);
  expect(await errorOf({ against: 9 })).toEqual([404, 'against']);
  expect(await errorOf({ config: thrifty, version: 1 })).toEqual([400, 'version']);
  expect(await errorOf({ config: { ...thrifty, models: [] } })).toEqual([400, 'config.models']);
  expect(await errorOf({ lastMs: 5 })).toEqual([400, 'lastMs']);
  await started.stop();
});
