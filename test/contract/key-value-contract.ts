/** What every key-value store must do: the specification of lib/ports/key-value.ts, for memory, the embedded store and servers alike. */
import { randomUUID } from 'node:crypto';
import type { KeyValue } from '../../lib/ports/key-value';

export interface KeyValueUnderTest {
  readonly keyValue: KeyValue;
  /** Lets the store's time go on: a virtual clock is moved, a server waited for. */
  readonly pass: (durationMs: number) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

const text = (value: string): Buffer => Buffer.from(value);

export function describeKeyValueContract(home: string, open: () => Promise<KeyValueUnderTest>): void {
  describe(`key-value contract: ${home}`, () => {
    let underTest: KeyValueUnderTest;
    let keyValue: KeyValue;
    // Servers are shared: every test has keys of its own.
    let prefix: string;
    const k = (name: string): string => `${prefix}${name}`;

    beforeEach(async () => {
      underTest = await open();
      keyValue = underTest.keyValue;
      prefix = `${randomUUID()}:`;
    });
    afterEach(() => underTest.dispose());

    test('values come back in the order of the keys, null where there is none', async () => {
      const bytes = Buffer.from([0, 1, 255, 0]);
      await keyValue.putMany([
        { key: k('a'), value: bytes, ttlMs: null },
        { key: k('ü'), value: text('two'), ttlMs: 60_000 },
        { key: k('empty'), value: Buffer.alloc(0), ttlMs: null },
      ]);
      const read = await keyValue.getMany([k('ü'), k('missing'), k('a'), k('empty'), k('a')]);
      expect(read).toEqual([text('two'), null, bytes, Buffer.alloc(0), bytes]);
      expect(await keyValue.getMany([])).toEqual([]);
      await keyValue.putMany([]);
    });

    test('a megabyte comes back whole', async () => {
      const value = Buffer.alloc(1_048_576, 7);
      await keyValue.putMany([{ key: k('large'), value, ttlMs: null }]);
      expect((await keyValue.getMany([k('large')]))[0]!.equals(value)).toBe(true);
    });

    test('a value goes when its time is over, and only then', async () => {
      const read = await soonerThan(100, async () => {
        await keyValue.putMany([
          { key: k('short'), value: text('s'), ttlMs: 100 },
          { key: k('long'), value: text('l'), ttlMs: 600_000 },
          { key: k('for good'), value: text('g'), ttlMs: null },
        ]);
        return keyValue.getMany([k('short')]);
      });
      expect(read).toEqual([text('s')]);
      await underTest.pass(150);
      expect(await keyValue.getMany([k('short'), k('long'), k('for good')])).toEqual([null, text('l'), text('g')]);
      expect([...(await keyValue.keys(prefix, 10))].sort()).toEqual([k('for good'), k('long')]);
    });

    test('a later put replaces value and time to live', async () => {
      await keyValue.putMany([{ key: k('a'), value: text('1'), ttlMs: 100 }]);
      await keyValue.putMany([{ key: k('a'), value: text('2'), ttlMs: null }]);
      await underTest.pass(150);
      expect(await keyValue.getMany([k('a')])).toEqual([text('2')]);
      await keyValue.putMany([{ key: k('a'), value: text('3'), ttlMs: 100 }]);
      await underTest.pass(150);
      expect(await keyValue.getMany([k('a')])).toEqual([null]);
    });

    test('deleted is gone; deleting what is not there is fine', async () => {
      await keyValue.putMany([{ key: k('a'), value: text('1'), ttlMs: null }]);
      await keyValue.deleteMany([k('a'), k('missing')]);
      await keyValue.deleteMany([]);
      expect(await keyValue.getMany([k('a')])).toEqual([null]);
    });

    test('counters add up, at once too, and expire from their first use', async () => {
      const counted = await soonerThan(200, async () => {
        await keyValue.deleteMany([k('n')]);
        return [await keyValue.increment(k('n'), 2, 200), await keyValue.increment(k('n'), -5, 600_000)];
      });
      expect(counted).toEqual([2, -3]);
      const results = await Promise.all(Array.from({ length: 50 }, () => keyValue.increment(k('many'), 1, null)));
      expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      await underTest.pass(250);
      expect(await keyValue.increment(k('n'), 1, null)).toBe(1);
      expect(await keyValue.increment(k('many'), 0, null)).toBe(50);
    });

    test('what is not a counter is not counted', async () => {
      await keyValue.putMany([{ key: k('a'), value: text('abc'), ttlMs: null }]);
      await expect(keyValue.increment(k('a'), 1, null)).rejects.toThrow();
      expect(await keyValue.getMany([k('a')])).toEqual([text('abc')]);
    });

    test('keys are found by prefix, up to a limit', async () => {
      const names = ['p/1', 'p/2', 'p/3', 'q/1'].map(k);
      await keyValue.putMany(names.map((key) => ({ key, value: text('v'), ttlMs: null })));
      expect([...(await keyValue.keys(k('p/'), 10))].sort()).toEqual(names.slice(0, 3));
      expect(await keyValue.keys(k('p/'), 2)).toHaveLength(2);
      expect(await keyValue.keys(k('none'), 10)).toEqual([]);
    });

    test('closing twice is closing once', async () => {
      await keyValue.close();
      await keyValue.close();
      await expect(keyValue.getMany([k('a')])).rejects.toThrow();
    });
  });
}

/** What `act` resolves with when it took less real time than this; a busy machine may need several tries. */
async function soonerThan<T>(limitMs: number, act: () => Promise<T>): Promise<T> {
  for (;;) {
    const startedMs = performance.now();
    const result = await act();
    if (performance.now() - startedMs < limitMs) return result;
  }
}
