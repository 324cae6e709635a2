/** What buckets of tokens must do: the specification of lib/ports/token-buckets.ts, for one process and for servers alike. */
import { randomUUID } from 'node:crypto';
import type { TokenBuckets } from '../../lib/ports/token-buckets';

export interface TokenBucketsUnderTest {
  readonly buckets: TokenBuckets;
  /** Lets the store's time go on: a virtual clock is moved, a server waited for. */
  readonly pass: (durationMs: number) => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** So slow that no time which a test takes gives one back. */
const slow = 1e-6;

export function describeTokenBucketsContract(home: string, open: () => Promise<TokenBucketsUnderTest>): void {
  describe(`token buckets contract: ${home}`, () => {
    let underTest: TokenBucketsUnderTest;
    let key: string;
    beforeEach(async () => {
      underTest = await open();
      key = randomUUID();
    });
    afterEach(() => underTest.dispose());

    test('a new bucket is full, and gives no more than it holds', async () => {
      const { buckets } = underTest;
      const taken = [];
      for (let i = 0; i < 4; i++) taken.push(await buckets.takeToken(key, { capacity: 3, perSecond: slow }));
      expect(taken.map(({ isTaken }) => isTaken)).toEqual([true, true, true, false]);
      for (const [index, tokens] of [2, 1, 0, 0].entries()) expect(taken[index]!.tokens).toBeCloseTo(tokens, 2);
      expect((await buckets.takeToken(`${key}-other`, { capacity: 1, perSecond: slow })).isTaken).toBe(true);
    });

    test('of many who ask at once, as many get one as there are', async () => {
      const asked = Array.from({ length: 50 }, () =>
        underTest.buckets.takeToken(key, { capacity: 20, perSecond: slow }),
      );
      expect((await Promise.all(asked)).filter(({ isTaken }) => isTaken)).toHaveLength(20);
    });

    test('it gains tokens with time, never more than it holds, and asking in vain costs nothing', async () => {
      const { buckets, pass } = underTest;
      // A hundred a second: some wait is enough, and none is too long.
      const bucket = { capacity: 2, perSecond: 100 };
      await buckets.takeToken(key, { capacity: 2, perSecond: slow });
      await buckets.takeToken(key, { capacity: 2, perSecond: slow });
      for (let i = 0; i < 5; i++)
        expect((await buckets.takeToken(key, { capacity: 2, perSecond: slow })).isTaken).toBe(false);
      await pass(1_000);
      const { isTaken, tokens } = await buckets.takeToken(key, bucket);
      expect(isTaken).toBe(true);
      expect(tokens).toBeCloseTo(1, 5);
    });

    test('a bucket that was made smaller holds no more than that', async () => {
      await underTest.buckets.takeToken(key, { capacity: 100, perSecond: slow });
      expect((await underTest.buckets.takeToken(key, { capacity: 2, perSecond: slow })).tokens).toBeCloseTo(1, 2);
    });
  });
}
