/** Large values on Redis: kept in chunks, never mixed, never left behind, never in the way of small ones. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { openRedisKeyValue } from '../../lib/adapters/redis/redis-key-value';
import { defaultRedisSettings, type RedisSettings } from '../../lib/adapters/redis/redis-settings';
import type { KeyValue } from '../../lib/ports/key-value';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { patienceMs } from '../patience';
import { describeWithServers, redisUrl } from '../servers';

const megabyte = 1_048_576;
/** Bytes that differ everywhere, so that chunks in the wrong order are seen. */
const patterned = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE(i, i);
  return bytes;
};

describeWithServers('large values on Redis', () => {
  /** Looks behind the port. */
  let redis: Redis;
  let prefix: string;
  const opened: KeyValue[] = [];
  const open = async (change: Partial<RedisSettings> = {}, createId?: () => string): Promise<KeyValue> => {
    const settings = {
      ...defaultRedisSettings,
      url: redisUrl(),
      keyPrefix: prefix,
      commandTimeoutMs: patienceMs,
      ...change,
    };
    const keyValue = await openRedisKeyValue(settings, {
      log: createLog({ level: 'silent' }),
      metrics: createMetrics(),
      ...(createId && { createId }),
    });
    opened.push(keyValue);
    return keyValue;
  };
  const chunkKeys = (): Promise<string[]> => redis.keys(`${prefix}c:*`);

  beforeAll(() => {
    redis = new Redis(redisUrl());
  });
  afterAll(() => redis.quit());
  beforeEach(() => {
    prefix = `test-${randomUUID()}:`;
  });
  afterEach(async () => {
    for (const keyValue of opened.splice(0)) await keyValue.close();
    const left = await redis.keys(`${prefix}*`);
    if (left.length > 0) await redis.unlink(left);
  });

  test('5 MB of weights come back whole, among small values, and are one key to see', async () => {
    const keyValue = await open();
    const value = patterned(5 * megabyte + 3);
    await keyValue.putMany([
      { key: 'small', value: Buffer.from('s'), ttlMs: null },
      { key: 'large', value, ttlMs: null },
    ]);
    const [large, missing, small] = await keyValue.getMany(['large', 'missing', 'small']);
    expect(large!.equals(value)).toBe(true);
    expect(missing).toBeNull();
    expect(small).toEqual(Buffer.from('s'));
    expect([...(await keyValue.keys('', 10))].sort()).toEqual(['large', 'small']);
    expect(await chunkKeys()).toHaveLength(6);
  });

  test('chunks outlive their value by a little, and stay where it stays', async () => {
    const keyValue = await open({ chunkBytes: 100 });
    await keyValue.putMany([{ key: 'a', value: patterned(250), ttlMs: 60_000 }]);
    for (const key of await chunkKeys()) {
      expect(await redis.pttl(key)).toBeGreaterThan(await redis.pttl(`${prefix}v:a`));
    }
    await keyValue.putMany([{ key: 'a', value: patterned(350), ttlMs: null }]);
    const kept = await chunkKeys();
    expect(kept).toHaveLength(4);
    for (const key of [...kept, `${prefix}v:a`]) expect(await redis.pttl(key)).toBe(-1);
  });

  test('what is replaced or deleted leaves no chunks', async () => {
    const keyValue = await open({ chunkBytes: 100 });
    const put = (length: number) => keyValue.putMany([{ key: 'a', value: patterned(length), ttlMs: null }]);
    await put(1_000);
    await put(201);
    expect(await chunkKeys()).toHaveLength(3);
    await put(100);
    expect(await chunkKeys()).toEqual([]);
    await put(500);
    await keyValue.deleteMany(['a']);
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
  });

  test.each(['missing', 'shortened'])('a value with a %s chunk is not there', async (how) => {
    const keyValue = await open({ chunkBytes: 100 }, () => 'id');
    await keyValue.putMany([{ key: 'a', value: patterned(250), ttlMs: null }]);
    if (how === 'missing') await redis.del(`${prefix}c:id:1`);
    else await redis.set(`${prefix}c:id:1`, 'short');
    expect(await keyValue.getMany(['a'])).toEqual([null]);
  });

  test('a value that looks like a manifest is a value, and foreign bytes are nothing', async () => {
    const keyValue = await open({ chunkBytes: 100 }, () => 'id');
    await keyValue.putMany([{ key: 'a', value: patterned(250), ttlMs: null }]);
    const manifest = (await redis.getBuffer(`${prefix}v:a`))!;
    await keyValue.putMany([{ key: 'copy', value: manifest, ttlMs: null }]);
    expect(await keyValue.getMany(['copy'])).toEqual([manifest]);
    await keyValue.deleteMany(['copy']);
    expect((await keyValue.getMany(['a']))[0]).toEqual(patterned(250));
    await redis.mset(
      `${prefix}v:b`,
      'written by somebody else',
      `${prefix}v:c`,
      '\u0001no manifest',
      `${prefix}v:d`,
      '',
    );
    expect(await keyValue.getMany(['b', 'c', 'd'])).toEqual([null, null, null]);
  });

  test('however many write a key at once, readers see one of the values, whole', async () => {
    const [first, second] = [await open({ chunkBytes: 1_000 }), await open({ chunkBytes: 1_000 })];
    const valueBy = (writer: number, round: number) => Buffer.alloc(4_500 + 1_000 * writer, writer * 100 + round);
    await first.putMany([{ key: 'a', value: valueBy(1, 0), ttlMs: null }]);
    let writing = 2;
    const write = async (keyValue: KeyValue, writer: number) => {
      for (let round = 0; round < 40; round++) {
        await keyValue.putMany([{ key: 'a', value: valueBy(writer, round), ttlMs: null }]);
      }
      writing--;
    };
    const read = async () => {
      let whole = 0;
      while (writing > 0) {
        const [value] = await second.getMany(['a']);
        // null: replaced three times while it was read.
        if (!value) continue;
        expect(value.equals(Buffer.alloc(value.length, value[0]))).toBe(true);
        whole++;
      }
      return whole;
    };
    const [whole] = await Promise.all([read(), write(first, 1), write(second, 2)]);
    expect(whole).toBeGreaterThan(0);
    expect((await chunkKeys()).length).toBeLessThanOrEqual(7);
  });

  test('small commands are answered while 32 MB are being read', async () => {
    const keyValue = await open();
    const value = patterned(32 * megabyte);
    await keyValue.putMany([
      { key: 'large', value, ttlMs: null },
      { key: 'small', value: Buffer.from('s'), ttlMs: null },
    ]);
    let isRead = false;
    const large = keyValue.getMany(['large']).then(([bytes]) => {
      isRead = true;
      return bytes!;
    });
    let answered = 0;
    while (!isRead) {
      await keyValue.getMany(['small']);
      answered++;
    }
    expect((await large).equals(value)).toBe(true);
    // Behind one 32 MB reply none but the last could have been answered.
    expect(answered).toBeGreaterThan(5);
  });

  test('more entries than one round trip takes are all written and deleted', async () => {
    const keyValue = await open({ chunkBytes: 1_000 });
    const entries = Array.from({ length: 1_200 }, (_, i) => ({
      key: `k${i}`,
      value: Buffer.from(`${i}`),
      ttlMs: 60_000,
    }));
    await keyValue.putMany(entries);
    const keys = entries.map(({ key }) => key);
    expect(await keyValue.getMany(keys)).toEqual(entries.map(({ value }) => value));
    expect(await keyValue.keys('k', 2_000)).toHaveLength(1_200);
    await keyValue.deleteMany(keys);
    expect(await keyValue.keys('', 10)).toEqual([]);
  });

  test('a prefix is taken literally, and other engines’ keys are out of sight', async () => {
    const keyValue = await open();
    const other = await open({ keyPrefix: `${prefix}other:` });
    const names = ['a*b', 'axb', 'a?c', 'a[d]', 'a\\e', 'ad'];
    await keyValue.putMany(names.map((key) => ({ key, value: Buffer.from(key), ttlMs: 60_000 })));
    await other.putMany([{ key: 'a*other', value: Buffer.from('o'), ttlMs: 60_000 }]);
    for (const name of names.filter((one) => one !== 'axb' && one !== 'ad')) {
      expect(await keyValue.keys(name, 10)).toEqual([name]);
    }
    expect(await keyValue.keys('', 10)).toHaveLength(names.length);
  });

  test('counters keep what doubles keep', async () => {
    const keyValue = await open();
    expect(await keyValue.increment('n', Number.MAX_SAFE_INTEGER - 1, null)).toBe(Number.MAX_SAFE_INTEGER - 1);
    expect(await keyValue.increment('n', 1, null)).toBe(Number.MAX_SAFE_INTEGER);
    expect(await keyValue.increment('cost', 0.1, null)).toBe(0.1);
    expect(await keyValue.increment('cost', 0.2, null)).toBe(0.1 + 0.2);
    expect(await keyValue.getMany(['n'])).toEqual([Buffer.from('9007199254740991')]);
  });
});
