/** How often a key may ask, and how clients hear of it. */
import { createMemoryTokenBuckets } from '../../../../lib/adapters/memory/memory-token-buckets';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { TransientError } from '../../../../lib/ports/broker';
import type { TokenBuckets } from '../../../../lib/ports/token-buckets';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { createRateLimiter } from '../../../../services/gateway/access/rate-limit';
import { bearer, startKeyedGateway } from '../start-keyed-gateway';

const limited = { requestsPerMinute: 60, burst: 3 };

test('a burst is answered, then one a second; 429 says when to come again', async () => {
  const started = await startKeyedGateway();
  const key = bearer((await started.key(limited)).secret);
  const ask = () => started.call('GET', '/v1/models', undefined, key);
  const answers = [await ask(), await ask(), await ask(), await ask()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['2', '1', '0', '0']);
  const [, , , refused] = answers;
  expect(refused!.headers.get('retry-after')).toBe('1');
  expect(refused!.headers.get('x-ratelimit-limit')).toBe('3');
  expect(refused!.body.error.code).toBe('rate_limited');
  await started.clock.advanceBy(1_000);
  expect([(await ask()).status, (await ask()).status]).toEqual([200, 429]);
  // Others have buckets of their own.
  expect((await started.call('GET', '/v1/models', undefined, bearer((await started.key(limited)).secret))).status).toBe(
    200,
  );
  await started.stop();
});

test.each([
  [
    '/v1/chat/completions',
    { 'x-ratelimit-limit-requests': '1', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '30s' },
  ],
  ['/v1/messages', { 'anthropic-ratelimit-requests-limit': '1', 'anthropic-ratelimit-requests-remaining': '0' }],
  ['/v1/route', { 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }],
])('%s says it in the words of its API', async (path, headers) => {
  const started = await startKeyedGateway();
  const key = bearer((await started.key({ requestsPerMinute: 2, burst: 1 })).secret);
  await started.call('POST', path, {}, key);
  const refused = await started.call('POST', path, {}, key);
  expect(refused.status).toBe(429);
  for (const [name, value] of Object.entries(headers)) expect([name, refused.headers.get(name)]).toEqual([name, value]);
  expect(refused.headers.get('retry-after')).toBe('30');
  if (path === '/v1/messages') {
    expect(refused.body).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } });
    const reset = refused.headers.get('anthropic-ratelimit-requests-reset')!;
    expect(Date.parse(reset) - started.clock.nowMs()).toBe(30_000);
  }
  await started.stop();
});

test('gateways with a store in common count together', async () => {
  const shared = createMemoryTokenBuckets({ clock: createVirtualClock() });
  const one = await startKeyedGateway({ tokenBuckets: shared });
  const { secret } = await one.key(limited);
  const statuses: number[] = [];
  for (let i = 0; i < 2; i++) statuses.push((await one.call('GET', '/v1/models', undefined, bearer(secret))).status);
  // Another process on the same log, with nothing in its memory.
  await one.restart();
  for (let i = 0; i < 2; i++) statuses.push((await one.call('GET', '/v1/models', undefined, bearer(secret))).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  await one.stop();
});

test('a store that is away ends no call and no limit: each process counts by itself until it is back', async () => {
  const away: TokenBuckets = { takeToken: () => Promise.reject(new TransientError('away')) };
  const metrics = createMetrics();
  const started = await startKeyedGateway({ tokenBuckets: away, metrics });
  const key = bearer((await started.key(limited)).secret);
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await started.call('GET', '/v1/models', undefined, key)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect(await metrics.text()).toContain('quantum_router_rate_limits_local_total 4');
  await started.stop();
});

test('a store that comes and goes, or forgets, lets nobody begin anew', async () => {
  const clock = createVirtualClock();
  let store: 'there' | 'away' | 'forgetful' = 'there';
  let kept = createMemoryTokenBuckets({ clock });
  const shared: TokenBuckets = {
    async takeToken(key, bucket) {
      if (store === 'away') throw new TransientError('away');
      if (store === 'forgetful') kept = createMemoryTokenBuckets({ clock });
      return kept.takeToken(key, bucket);
    },
  };
  const limiter = createRateLimiter({ clock, metrics: createMetrics(), shared });
  const granted = async (asked: number): Promise<number> => {
    let count = 0;
    for (let i = 0; i < asked; i++) {
      const { isTaken, tokens } = await limiter.take({ key: 'k', ...limited });
      expect(tokens).toBeGreaterThanOrEqual(0);
      count += Number(isTaken);
    }
    return count;
  };
  expect(await granted(10)).toBe(3);
  for (store of ['away', 'there', 'away'] as const) expect(await granted(10)).toBe(0);
  // One may be granted before its time, since clocks differ by the way there.
  store = 'forgetful';
  expect(await granted(100)).toBe(1);
  store = 'away';
  expect(await granted(10)).toBe(0);
  await clock.advanceBy(4_000);
  expect(await granted(10)).toBe(3);
  store = 'there';
  await clock.advanceBy(60_000);
  expect(await granted(10)).toBe(3);
});

test('what a store grants a moment early by the clock of this process is granted', async () => {
  const clock = createVirtualClock();
  const shared: TokenBuckets = { takeToken: async () => ({ isTaken: true, tokens: 0 }) };
  const limiter = createRateLimiter({ clock, metrics: createMetrics(), shared });
  const limit = { key: 'k', requestsPerMinute: 60, burst: 1 };
  for (let i = 0; i < 100; i++) {
    expect((await limiter.take(limit)).isTaken).toBe(true);
    await clock.advanceBy(i % 2 === 0 ? 950 : 1_050);
  }
});

test('probes and the document are not counted', async () => {
  const started = await startKeyedGateway();
  const key = bearer((await started.key({ requestsPerMinute: 1 })).secret);
  for (let i = 0; i < 3; i++) expect((await started.call('GET', '/health', undefined, key)).status).toBe(200);
  await started.stop();
});
