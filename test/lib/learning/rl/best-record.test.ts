import { createBestRecord, recordEpisodes } from '../../../../lib/learning/rl/best-record';
import { seededRandom } from '../../../../lib/random/seeded';

/** Episodes of two steps each with these returns, all with the same weights. */
function play(record: ReturnType<typeof createBestRecord>, returns: readonly number[], weight: number): void {
  const weights = Float32Array.of(weight);
  for (const value of returns) {
    record.observe(1, false, weights);
    record.observe(value - 1, true, weights);
  }
  // Whoever trains goes on writing into the same memory.
  weights[0] = -1;
}
const times = (value: number, spread = 0): number[] =>
  Array.from({ length: recordEpisodes }, (_, i) => value + (i % 2 === 0 ? spread : -spread));

test('the rest of an episode that had begun before the record counts for nothing', () => {
  const record = createBestRecord({ isUnderWay: true });
  const whole = createBestRecord();
  const [early, late] = [Float32Array.of(1), Float32Array.of(2)];
  record.observe(1_000_000, true, early);
  const returns = [...Array<number>(recordEpisodes).fill(500), ...Array<number>(recordEpisodes).fill(100)];
  for (const [at, reward] of returns.entries())
    for (const one of [record, whole]) one.observe(reward + (at % 3), true, at < recordEpisodes ? early : late);
  expect(record.better()).toEqual(early);
  expect(record.better()).toEqual(whole.better());
});

test('earlier weights count while episodes are worse than theirs by more than chance', () => {
  const record = createBestRecord();
  expect(record.better()).toBeNull();
  play(record, times(200, 20), 1);
  play(record, times(500), 2);
  expect(record.better()).toBeNull();
  play(record, times(300, 50), 3);
  expect(record.better()).toEqual(Float32Array.of(2));
  play(record, times(500), 4);
  expect(record.better()).toBeNull();
  // As good is good enough: the newest of the best.
  play(record, times(300, 50), 5);
  expect(record.better()).toEqual(Float32Array.of(4));
});

test('neither chance nor a few episodes say that they are worse', () => {
  const record = createBestRecord();
  play(record, times(100, 40), 1);
  play(record, times(80, 40), 2);
  expect(record.better()).toBeNull();
  const young = createBestRecord();
  play(young, [500, 0, 0], 1);
  expect(young.better()).toBeNull();
});

test('the newest episodes count, whether they make a whole mean yet or not', () => {
  const record = createBestRecord();
  play(record, times(500), 1);
  play(record, times(100).slice(0, 3), 2);
  expect(record.better()).toBeNull();
  play(record, times(100).slice(0, 6), 3);
  expect(record.better()).toEqual(Float32Array.of(1));
});

test('the luck of the best of many means is no reason to go back', () => {
  let wentBack = 0;
  for (let seed = 0; seed < 100; seed++) {
    const random = seededRandom(seed, 'returns');
    const record = createBestRecord();
    for (let i = 0; i < 200; i++)
      play(
        record,
        Array.from({ length: recordEpisodes }, () => random.normal()),
        1,
      );
    if (record.better() !== null) wentBack++;
  }
  expect(wentBack).toBeLessThan(5);
});
