import fc from 'fast-check';
import { addRow, createReplay, type ReplayRow, replaySize, rowAt } from '../../../../lib/learning/fold/replay';

const row = (offset: number, decisionId = `d${offset}`, openedAtMs = offset): ReplayRow => ({
  offset,
  decisionId,
  features: {
    sketch: new Int8Array(0),
    sketchScale: 0,
    hand: new Float32Array(0),
    caller: null,
    context: null,
    task: 0,
  },
  outcomes: [],
  openedAtMs,
  eligible: null,
  next: null,
  described: null,
  firstHeads: null,
});

test('holds the newest rows in order, and only their decisions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 60 }), (capacity, count) => {
      const replay = createReplay(capacity);
      for (let i = 0; i < count; i++) addRow(replay, row(i), null);
      const kept = Array.from({ length: replaySize(replay) }, (_, i) => rowAt(replay, i).offset);
      const newest = Array.from({ length: Math.min(capacity, count) }, (_, i) => count - Math.min(capacity, count) + i);
      expect(kept).toEqual(newest);
      expect([...replay.byDecision.keys()]).toEqual(newest.map((offset) => `d${offset}`));
      expect(replay.rows.length).toBeLessThanOrEqual(2 * capacity + 1);
    }),
  );
});

test("a session's requests are linked; forgotten sessions are forgotten", () => {
  const replay = createReplay(3);
  addRow(replay, row(0), 's');
  addRow(replay, row(1), 't');
  addRow(replay, row(2), 's');
  expect(rowAt(replay, 0).next?.offset).toBe(2);
  expect(rowAt(replay, 1).next).toBeNull();
  for (let i = 3; i < 6; i++) addRow(replay, row(i), null);
  expect(replay.bySession.size).toBe(0);
});

test('a request judged after a later one of its session does not follow it', () => {
  const replay = createReplay(10);
  const [first, third, second, fourth] = [1, 3, 2, 4].map((ms, i) => row(i, `d${ms}`, ms));
  for (const one of [first!, third!, second!, fourth!]) addRow(replay, one, 's');
  expect(first!.next).toBe(third);
  expect(second!.next).toBeNull();
  expect(third!.next).toBe(fourth);
});

test('a decision seen again keeps its newest row', () => {
  const replay = createReplay(2);
  addRow(replay, row(0, 'd'), null);
  addRow(replay, row(1, 'd'), null);
  addRow(replay, row(2), null);
  expect(replay.byDecision.get('d')?.offset).toBe(1);
});
