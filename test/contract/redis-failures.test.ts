/** What callers see when Redis is away, frozen, flushed, or will not have us. On a Redis of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until as untilHolds } from '../../checks/chaos/until';
import { findFreePort } from '../../infra/free-port';
import { type LocalServer, startRedis } from '../../infra/local-servers';
import { createMemoryBroker } from '../../lib/adapters/memory/memory-broker';
import { openRedisConnection } from '../../lib/adapters/redis/redis-connection';
import { openRedisKeyValue } from '../../lib/adapters/redis/redis-key-value';
import { defaultRedisSettings, type RedisSettings, redisEndpoint } from '../../lib/adapters/redis/redis-settings';
import { sha256Of } from '../../lib/learning/fold/blob';
import { TransientError } from '../../lib/ports/broker';
import { sleep } from '../../lib/ports/clock';
import type { KeyValue } from '../../lib/ports/key-value';
import type { TokenBuckets } from '../../lib/ports/token-buckets';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { settingsOf } from '../../lib/topics/define-topic';
import type { WeightsChunk } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { createBlobStore } from '../../lib/weights/blob-store';
import { createRateLimiter } from '../../services/gateway/access/rate-limit';
import { patienceMs } from '../patience';
import { describeWithServers } from '../servers';
import { hastyClock } from './hasty-clock';

const secret = 'a-very-secret-password';

describeWithServers('Redis in trouble', () => {
  const clock = hastyClock();
  let directory: string;
  let server: LocalServer;
  const opened: { close(): Promise<void> }[] = [];
  let lines: { level: string; msg: string; redis: string; reason?: string }[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'redis-failures-'));
    server = await startRedis({ directory });
    lines = [];
  });
  afterEach(async () => {
    clock.relax();
    for (const keyValue of opened.splice(0)) await keyValue.close();
    await server.stop();
    rmSync(directory, { recursive: true });
    // Whatever happened, nobody said the password.
    expect(JSON.stringify(lines)).not.toContain(secret);
  });

  const info = async (): Promise<string> => {
    const redis = new Redis(server.address);
    const text = await redis.info('commandstats');
    redis.disconnect();
    return text;
  };
  const open = async (change: Partial<RedisSettings> = {}) => {
    const metrics = createMetrics();
    const log = createLog({ level: 'debug', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
    // Where a test is not about time.
    const settings = { ...defaultRedisSettings, url: server.address, commandTimeoutMs: patienceMs, ...change };
    const keyValue = await openRedisKeyValue(settings, { clock, log, metrics });
    opened.push(keyValue);
    const isConnected = async () => (await metrics.value('quantum_router_key_value_connected', {})) === 1;
    return {
      keyValue,
      metrics,
      isConnected,
      until: (wanted: boolean) => waitUntil(async () => (await isConnected()) === wanted),
    };
  };
  /** The error that ends it in the end quotes the condition. */
  const waitUntil = (holds: () => Promise<boolean>): Promise<void> =>
    untilHolds(clock, String(holds), holds, patienceMs, 10);
  /** From here on Redis says nothing, and whoever waits for it has waited long enough at once. */
  const freeze = async (): Promise<void> => {
    await server.kill('SIGSTOP');
    clock.hasten();
  };
  const thaw = async (): Promise<void> => {
    clock.relax();
    await server.kill('SIGCONT');
  };
  /** Says to Redis what only its owner may. */
  const command = async (...args: [string, ...string[]]): Promise<void> => {
    const redis = new Redis(server.address);
    await redis.call(...args);
    redis.disconnect();
  };
  const isThere = (): boolean => true;
  const isAway = (): boolean => false;
  const said = (): string[] => lines.map(({ level, msg }) => `${level}: ${msg.split(':')[0]}`);
  const put = (keyValue: KeyValue) => keyValue.putMany([{ key: 'a', value: Buffer.from('1'), ttlMs: null }]);

  test('stopped and started again: rejects at once, says so once, comes back by itself', async () => {
    const { keyValue, metrics, isConnected, until } = await open();
    await put(keyValue);
    expect(await isConnected()).toBe(true);
    await server.stop();
    await until(false);
    let asked = 0;
    const refusal = async (): Promise<string> => {
      asked++;
      const error = await keyValue.getMany(['a']).catch((thrown: Error) => thrown);
      expect(error).toBeInstanceOf(TransientError);
      return (error as Error).message;
    };
    const atOnce = `Redis at 127.0.0.1:${server.port} is not reachable`;
    // One of its two connections may hear of the end later than the other.
    await waitUntil(async () => (await refusal()).includes(atOnce));
    for (let i = 0; i < 20; i++) expect(await refusal()).toContain(atOnce);
    expect(await metrics.value('quantum_router_key_value_errors_total', { operation: 'get' })).toBe(asked);
    await server.restart();
    await until(true);
    expect(await keyValue.getMany(['a'])).toEqual([null]);
    await put(keyValue);
    expect(said()).toEqual(['warn: Redis is lost', 'info: Redis is back']);
  });

  test('killed with commands under way: those reject too', async () => {
    const { keyValue } = await open({ commandTimeoutMs: 20_000 });
    await server.kill('SIGSTOP');
    const calls = [keyValue.getMany(['a']), put(keyValue), keyValue.increment('n', 1, null)];
    const ends = Promise.allSettled(calls);
    await server.kill('SIGKILL');
    for (const end of await ends) expect((end as PromiseRejectedResult).reason).toBeInstanceOf(TransientError);
  });

  test('frozen: the first call waits its time, the next ones none, until it answers again', async () => {
    const { keyValue, until } = await open();
    await freeze();
    const batch = [keyValue.getMany(['a']), keyValue.getMany(['b'])];
    for (const call of batch) await expect(call).rejects.toThrow(`did not answer within ${patienceMs} ms`);
    // Rejected before anything could be sent and answered: in the same turn of the event loop.
    let inThisTurn = true;
    setImmediate(() => {
      inThisTurn = false;
    });
    await expect(keyValue.getMany(['a'])).rejects.toThrow('not reachable: no answer within');
    await expect(put(keyValue)).rejects.toThrow(TransientError);
    expect(inThisTurn).toBe(true);
    await thaw();
    await until(true);
    await put(keyValue);
    expect(await keyValue.getMany(['a'])).toEqual([Buffer.from('1')]);
    expect(said()).toEqual(['warn: Redis is lost', 'info: Redis is back']);
  });

  test('frozen for longer than a socket may be silent: connects anew', async () => {
    // A socket may be silent for ten times as long.
    const { keyValue, until } = await open({ commandTimeoutMs: 300 });
    await server.kill('SIGSTOP');
    await expect(keyValue.getMany(['a'])).rejects.toThrow(TransientError);
    // Several probes and connections that are not answered.
    await sleep(clock, 5_000);
    await server.kill('SIGCONT');
    await until(true);
    // On a busy machine an answer may take longer than is allowed here.
    await waitUntil(() => keyValue.getMany(['a']).then(isThere, isAway));
    // Nor need it have been there in time at the start.
    const [first, ...rest] = said();
    expect(first).toMatch(/^warn: Redis is (lost|not reachable)$/);
    expect(rest).toContain('info: Redis is back');
  });

  test('no more is outstanding than allowed', async () => {
    const { keyValue } = await open({ maxPendingCommands: 3 });
    await freeze();
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => keyValue.getMany(['a'])));
    const reasons = calls.map((call) => (call as PromiseRejectedResult).reason as Error);
    expect(reasons.map(({ message }) => /limit/.test(message))).toEqual([false, false, false, true, true]);
    for (const reason of reasons) expect(reason).toBeInstanceOf(TransientError);
  });

  test('not there at start: opens all the same, and uses it when it comes', async () => {
    await server.stop();
    const { keyValue, isConnected, until } = await open();
    expect(await isConnected()).toBe(false);
    await expect(put(keyValue)).rejects.toThrow('ECONNREFUSED');
    expect(said()).toEqual(['warn: Redis is not reachable']);
    expect(lines[0]).toMatchObject({
      redis: `127.0.0.1:${server.port}`,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    await server.restart();
    await until(true);
    await put(keyValue);
    expect(said()).toEqual(['warn: Redis is not reachable', 'info: Redis is back']);
  });

  test('frozen at start: opens after a short wait', async () => {
    await freeze();
    const { keyValue, until } = await open();
    await expect(put(keyValue)).rejects.toThrow(TransientError);
    await thaw();
    await until(true);
    await put(keyValue);
  });

  test('a password: from the settings, from the URL, and wrong ones are told apart but not told', async () => {
    await command('CONFIG', 'SET', 'requirepass', secret);
    const right = await open({ password: secret });
    await put(right.keyValue);
    const inUrl = await open({ url: `redis://:${secret}@127.0.0.1:${server.port}/0` });
    expect(await inUrl.keyValue.getMany(['a'])).toEqual([Buffer.from('1')]);
    expect(lines).toEqual([]);
    for (const [password, reason] of [
      [`not-${secret}`, 'WRONGPASS'],
      [null, 'NOAUTH'],
    ] as const) {
      const { keyValue } = await open({ password });
      const error = (await keyValue.getMany(['a']).catch((thrown: Error) => thrown)) as Error;
      expect(error).toBeInstanceOf(TransientError);
      expect(error.message).toContain(reason);
      expect(error.message).toContain('is the password right?');
      expect(Object.keys(error)).toEqual(['name']);
      expect(error.cause).toBeUndefined();
      expect(lines.splice(0)).toMatchObject([{ level: 'warn', reason: expect.stringContaining(reason) }]);
    }
  });

  test('TLS: with the authority it works, without it the reason is readable', async () => {
    const port = await findFreePort(1);
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(directory, name)) as [string, string];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
    ];
    execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const files = ['tls-cert-file', cert, 'tls-key-file', key, 'tls-ca-cert-file', cert];
    await command('CONFIG', 'SET', ...files, 'tls-auth-clients', 'no', 'tls-port', String(port));
    const url = `rediss://127.0.0.1:${port}`;
    const caPem = readFileSync(cert, 'utf8');
    const { keyValue } = await open({ url, tls: { caPem, rejectUnauthorized: true } });
    const value = Buffer.alloc(3_000_000, 7);
    await keyValue.putMany([{ key: 'large', value, ttlMs: null }]);
    expect((await keyValue.getMany(['large']))[0]!.equals(value)).toBe(true);
    expect(lines).toEqual([]);
    const stranger = await open({ url });
    await expect(stranger.keyValue.getMany(['large'])).rejects.toThrow(/certificate.*are the TLS settings right\?/);
    const careless = await open({ url, tls: { rejectUnauthorized: false } });
    expect((await careless.keyValue.getMany(['large']))[0]).toHaveLength(3_000_000);
    // Closed in the middle of the handshake: an error nobody listens to would end the process, and fails this test.
    const endpoint = redisEndpoint({ ...defaultRedisSettings, url });
    for (let i = 0; i < 40; i++) {
      const limits = { timeoutMs: 1_000, maxPending: 1, probeKey: 'probe' };
      const options = { endpoint, name: 'test', ...limits, clock, onChange: () => {} };
      const connection = openRedisConnection(options);
      await sleep(clock, i % 20);
      connection.close();
    }
  });

  test('full: what Redis refuses for now is a failure for now', async () => {
    const { keyValue } = await open();
    await command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
    await expect(put(keyValue)).rejects.toThrow(TransientError);
    await expect(put(keyValue)).rejects.toThrow('OOM');
  });

  test('made a replica: left until the address leads to a primary again, and said once', async () => {
    const { keyValue, until } = await open();
    await put(keyValue);
    await command('REPLICAOF', '127.0.0.1', '1');
    await expect(put(keyValue)).rejects.toThrow('READONLY');
    await expect(keyValue.getMany(['a'])).rejects.toThrow('not reachable: READONLY');
    // Connected anew, and looked at, more than once.
    const probes = async () => (await info()).match(/cmdstat_set:calls=\d+,.*rejected_calls=(\d+)/)?.[1] ?? '0';
    await waitUntil(async () => Number(await probes()) >= 4);
    expect(said()).toEqual(['warn: Redis is lost']);
    await command('REPLICAOF', 'NO', 'ONE');
    await until(true);
    await put(keyValue);
    expect(said()).toEqual(['warn: Redis is lost', 'info: Redis is back']);
  });

  describe('buckets of tokens', () => {
    const slow = { capacity: 3, perSecond: 1e-6 };
    const taken = async (buckets: TokenBuckets, asked: number): Promise<number> => {
      let count = 0;
      for (let i = 0; i < asked; i++) count += Number((await buckets.takeToken('k', slow)).isTaken);
      return count;
    };

    test('a clock of Redis that was ahead, or a bucket that holds no number, closes none for good', async () => {
      const { keyValue } = await open();
      expect(await taken(keyValue, 10)).toBe(3);
      const redis = new Redis(server.address);
      const [bucket] = await redis.keys('*:b:k');
      const nowSeconds = clock.nowMs() / 1_000;
      await redis.hset(bucket!, { tokens: '0', at: String(nowSeconds + 86_400) });
      expect(await taken(keyValue, 1)).toBe(0);
      // Its time is now again: what comes from here on counts.
      expect(Number(await redis.hget(bucket!, 'at'))).toBeLessThan(nowSeconds + 3_600);
      for (const tokens of ['nan', '-1e300', 'many', '-1']) {
        await redis.hset(bucket!, { tokens });
        expect([tokens, await taken(keyValue, 10)]).toEqual([tokens, 3]);
      }
      redis.disconnect();
    });

    test('killed, started and frozen under a limit: a process grants what it would alone, and no more by turns', async () => {
      const { keyValue, metrics, until } = await open();
      const limiter = createRateLimiter({ clock, metrics, shared: keyValue });
      const granted = async (): Promise<number> => {
        let count = 0;
        const limit = { key: 'k', requestsPerMinute: 1e-6, burst: 3 };
        for (let i = 0; i < 10; i++) count += Number((await limiter.take(limit)).isTaken);
        return count;
      };
      expect(await granted()).toBe(3);
      let more = 0;
      for (let round = 0; round < 3; round++) {
        await server.kill('SIGKILL');
        more += await granted();
        await server.restart();
        await until(true);
        more += await granted();
        await freeze();
        more += await granted();
        await thaw();
        await until(true);
        more += await granted();
      }
      expect(more).toBeLessThanOrEqual(1);
    });
  });

  describe('weights', () => {
    const bytes = Buffer.alloc(5_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) % 251;
    const sha256 = sha256Of(bytes);

    const createPlace = async () => {
      const { keyValue } = await open({ commandTimeoutMs: patienceMs });
      const broker = createMemoryBroker({ clock });
      const { name, codec, keyOf } = topics.weightsBlobs;
      await broker.ensureTopics([settingsOf(topics.weightsBlobs as never, 1)]);
      const log = createLog({ level: 'silent' });
      /** A process of its own: nothing in its memory. */
      const store = () => createBlobStore({ broker, keyValue, clock, log });
      const chunks = store()
        .putToRecords(sha256, bytes)
        .map(({ value }) => value as WeightsChunk);
      await broker
        .producer('test')
        .send(chunks.map((chunk) => ({ topic: name, key: keyOf(chunk), value: codec.encode(chunk) })));
      await store().share(sha256, bytes);
      return { keyValue, store };
    };
    const shared = async (keyValue: KeyValue) => (await keyValue.getMany([`weights/${sha256}`]))[0] ?? null;

    test('a damaged chunk: found by the hash, repaired from the log', async () => {
      const { keyValue, store } = await createPlace();
      const redis = new Redis(server.address);
      const [chunk] = await redis.keys('*:c:*:2');
      await redis.setrange(chunk!, 1_000, 'damage');
      redis.disconnect();
      expect((await shared(keyValue))!.equals(bytes)).toBe(false);
      expect((await store().load(sha256))!.equals(bytes)).toBe(true);
      expect((await shared(keyValue))!.equals(bytes)).toBe(true);
    });

    test('flushed: loaded from the log, and shared again', async () => {
      const { keyValue, store } = await createPlace();
      expect((await shared(keyValue))!.equals(bytes)).toBe(true);
      await command('FLUSHALL');
      expect(await shared(keyValue)).toBeNull();
      expect((await store().load(sha256))!.equals(bytes)).toBe(true);
      expect((await shared(keyValue))!.equals(bytes)).toBe(true);
    });

    test('away: the log is enough', async () => {
      const { store } = await createPlace();
      await server.stop();
      expect((await store().load(sha256))!.equals(bytes)).toBe(true);
      await store().share(sha256, bytes);
      await store().shareOnly(new Set());
    });
  });
});
