import { byBudget, bySession, measureSessions } from '../../../../lab/studies/rl/measure-sessions';
import { parts, splitRows } from '../../../../lab/studies/rl/session-rows';
import { recordedData } from '../../../../lab/workloads/recorded-data';
import type { WorkloadRow } from '../../../../lab/workloads/workload';
import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());
/** Who spends 1 at once is a little better off now and cannot answer later. */
function workload(rows: number) {
  const random = seededRandom(1, 'rows');
  return recordedData(
    'toy',
    Array.from({ length: rows }, (_, i): WorkloadRow => {
      const costUsd = 0.9 + 0.2 * random.next();
      const call = { status: 'SUCCESS' as const, latencyMs: 1, inputTokens: null, outputTokens: null };
      return {
        id: `r${i}`,
        split: null,
        group: null,
        prompt: `number ${random.integer(50)} of ${random.integer(50)}`,
        features: null,
        taskHint: null,
        outcomes: new Map([
          ['thrifty', { ...call, score: 0.7, costUsd: costUsd / 4 }],
          ['lavish', { ...call, score: 0.8, costUsd }],
        ]),
      };
    }),
  );
}

test('each part is held out once, and no row is in both', () => {
  const toy = workload(43);
  const sizes = Array.from({ length: parts }, (_, part) => {
    const { train, test } = splitRows(toy, part);
    expect(train.length + test.length).toBe(43);
    return test.length;
  });
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(43);
});

test('rows without a cost cannot be played', () => {
  const toy = workload(10);
  const outcomes = new Map(toy.row(3).outcomes).set('lavish', null);
  const rows = Array.from({ length: 10 }, (_, i) => (i === 3 ? { ...toy.row(i), outcomes } : toy.row(i)));
  expect(() => splitRows(recordedData('toy', rows), 0)).toThrow('row r3: every model needs a score and a cost');
});

test('looking ahead saves what looking at one request spends', () => {
  const figures = measureSessions(workload(200), 1, 3_000);
  const mean = (cells: Float64Array): number => cells.reduce((sum, score) => sum + score / cells.length, 0);
  expect(figures.ids).toEqual(['0.0', '0.1', '0.2', '0.3', '0.4']);
  for (const cells of [figures.dqn, figures.oneStep, figures.fixedPrice, figures.priceOfBudget, figures.evenShare]) {
    expect(bySession(cells)).toHaveLength(5);
    expect(byBudget(cells)).toHaveLength(16);
    expect(mean(cells)).toBeCloseTo(mean(Float64Array.from(byBudget(cells))), 12);
  }
  expect(mean(figures.dqn)).toBeGreaterThan(mean(figures.oneStep) + 0.05);
  expect(mean(figures.fixedPrice)).toBeGreaterThanOrEqual(mean(figures.oneStep));
  expect(mean(figures.priceOfBudget)).toBeGreaterThanOrEqual(mean(figures.fixedPrice));
});
