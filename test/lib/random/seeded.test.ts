import fc from 'fast-check';
import type { Random } from '../../../lib/ports/random';
import { restoreRandom, seededRandom } from '../../../lib/random/seeded';

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());

describe('seededRandom', () => {
  test('the stream of a seed never changes', () => {
    expect(draw(seededRandom(1, 'collapse', 3), 3)).toEqual([
      0.5531277398592079, 0.33574243794399683, 0.36600572980856183,
    ]);
  });

  test('equal seeds and labels give equal streams, any difference another', () => {
    const of = (...args: Parameters<typeof seededRandom>): string => draw(seededRandom(...args), 4).join();
    expect(of(7, 'a', 1)).toBe(of(7, 'a', 1));
    const streams = [
      of(7),
      of(8),
      of('7'),
      of(7, 'a'),
      of(7, 'b'),
      of(7, 'a', 'b'),
      of(7, 'ab'),
      of(7, 'b', 'a'),
      of(7, ''),
    ];
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('a thousand labels share no first number', () => {
    const firsts = Array.from({ length: 1_000 }, (_, i) => seededRandom(1, 'partition', i).next());
    expect(new Set(firsts).size).toBe(1_000);
  });

  test('next is uniform in [0, 1) down to the last bits', () => {
    const numbers = draw(seededRandom('uniform'), 20_000);
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
    expect(numbers.reduce((sum, n) => sum + n, 0) / 20_000).toBeCloseTo(0.5, 2);
    expect(numbers.reduce((sum, n) => sum + n * n, 0) / 20_000).toBeCloseTo(1 / 3, 2);
    // The lowest of the 53 bits is set about half of the time.
    const odd = numbers.filter((n) => (n * 2 ** 53) % 2 === 1).length;
    expect(odd / 20_000).toBeCloseTo(0.5, 1);
  });

  test('integer covers [0, bound) evenly and refuses what is no bound', () => {
    const random = seededRandom(3);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 14_000; i++) counts[random.integer(7)]++;
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(200);
    for (const bound of [0, -1, 1.5, Number.NaN]) expect(() => random.integer(bound)).toThrow('bound');
    expect(random.integer(1)).toBe(0);
  });

  test('normal has mean 0 and variance 1', () => {
    const random = seededRandom('normal');
    const deviates = Array.from({ length: 20_000 }, () => random.normal());
    expect(deviates.reduce((sum, n) => sum + n, 0) / 20_000).toBeCloseTo(0, 1);
    expect(deviates.reduce((sum, n) => sum + n * n, 0) / 20_000).toBeCloseTo(1, 1);
    expect(deviates.filter((n) => Math.abs(n) < 1).length / 20_000).toBeCloseTo(0.683, 1);
  });

  test('a state resumes the stream exactly, also between the two deviates of a pair', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.constantFrom('next', 'normal'), { maxLength: 20 }), (seed, calls) => {
        const random = seededRandom(seed);
        for (const call of calls) random[call]();
        const resumed = restoreRandom(JSON.parse(JSON.stringify(random.state())));
        for (const call of [...calls, 'normal', 'next', 'normal'] as const)
          expect(resumed[call]()).toBe(random[call]());
      }),
    );
  });

  test('what is not a state is refused', () => {
    for (const state of [[], [1, 2, 3], [0, 0, 0, 0], [1, 2, 3, -4], [1, 2, 3, 0.5], [1, 2, 3, 4, 5, 6]]) {
      expect(() => restoreRandom(state)).toThrow('random state');
    }
  });
});
