import { addRow, createReplay, type Replay, type ReplayRow } from '../../../../lib/learning/fold/replay';
import { probeCount, probeSet } from '../../../../lib/learning/guard/probe-set';

function filled(from: number, to: number, replay: Replay = createReplay(1_000)): Replay {
  for (let offset = from; offset < to; offset++)
    addRow(replay, { offset, decisionId: `d${offset}`, outcomes: [] } as unknown as ReplayRow, null);
  return replay;
}

const offsetsOf = (replay: Replay, seed = 1): number[] => probeSet(replay, seed).map(({ offset }) => offset);

test('a short replay is its own probe set', () => {
  expect(offsetsOf(filled(0, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(offsetsOf(filled(0, probeCount))).toHaveLength(probeCount);
  expect(offsetsOf(createReplay(10))).toEqual([]);
});

test('the same replay gives the same probes, however it was filled; another seed gives others', () => {
  const probes = offsetsOf(filled(0, 700));
  expect(probes).toHaveLength(probeCount);
  expect(probes).toEqual([...probes].sort((a, b) => a - b));
  expect(offsetsOf(filled(300, 700, filled(0, 300)))).toEqual(probes);
  expect(offsetsOf(filled(0, 700), 2)).not.toEqual(probes);
});

test('it changes slowly, and samples the replay evenly', () => {
  const replay = filled(0, 700);
  const before = new Set(offsetsOf(replay));
  filled(700, 732, replay);
  const after = offsetsOf(replay);
  expect(after.filter((offset) => before.has(offset)).length).toBeGreaterThan(probeCount - 10);
  const old = offsetsOf(filled(0, 1_000)).filter((offset) => offset < 500).length;
  expect(old).toBeGreaterThan(probeCount * 0.3);
  expect(old).toBeLessThan(probeCount * 0.7);
});

test('rows that have left the replay are no probes', () => {
  const replay = filled(0, 2_500);
  expect(Math.min(...offsetsOf(replay))).toBeGreaterThanOrEqual(1_500);
});
