import fc from 'fast-check';
import { murmur2, partitionOf } from '../../../lib/topics/partition-of';

describe('partitionOf', () => {
  // From the tests of Apache Kafka (UtilsTest.testMurmur2).
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('murmur2 of %s is what Java computes', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  // From kafkajs, which made them with the Java client.
  test.each([
    ['0', 971027396],
    ['1', -1993445489],
    ['128', -326012175],
    ['2187', -1508407203],
    ['16384', -325739742],
    ['78125', -1654490814],
    ['279936', 1462227128],
  ])('murmur2 of %s is what kafkajs computes', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  test('a negative hash loses its sign bit, as in toPositive', () => {
    expect(partitionOf('21', 7)).toBe((-973932308 & 0x7fffffff) % 7);
    expect(partitionOf('abc', 7)).toBe(479470107 % 7);
  });

  test('every key has a partition', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });
});
