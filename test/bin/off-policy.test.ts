import { outcomeMatrix } from '../../lab/policies/baselines';
import { type LoggedRow, offPolicyReport } from '../../lab/runs/off-policy';
import { parseRecordedRow, recordedData } from '../../lab/workloads/recorded-data';
import { seededRandom } from '../../lib/random/seeded';
import type { RouteDecided } from '../../lib/topics/generated/messages';

const random = seededRandom(1, 'off-policy');
const rows = Array.from({ length: 400 }, (_, i) =>
  parseRecordedRow(
    JSON.stringify({
      id: `r${i}`,
      prompt: `question ${i}`,
      outcomes: {
        good: { score: 0.8, cost: 1 },
        bad: { score: 0.2, cost: 1 },
        rare: { score: i % 2 === 0 ? 0.5 : null, cost: 1 },
      },
    }),
    i + 1,
  ),
);

function loggedRow(row: (typeof rows)[number], i: number): LoggedRow {
  const open = row.outcomes.get('rare') !== null;
  const shares = { good: open ? 0.7 : 0.71, bad: 0.29, rare: open ? 0.01 : 0 };
  const candidates = Object.entries(shares).map(([model, propensity]) => ({
    model,
    propensity,
    eligible: propensity > 0,
    utility: model === 'bad' ? 1 : 0,
  }));
  const decision = {
    decisionId: row.id,
    sessionId: null,
    model: random.next() < 0.29 ? 'bad' : 'good',
    candidates,
    degradedTo: i < 10 ? 'STATIC_STRATEGIES' : 'NONE',
  } as unknown as RouteDecided;
  return { row, decision };
}

test('estimates stand next to the truth, and what the log cannot tell is refused', () => {
  const workload = recordedData('made', rows);
  const matrix = outcomeMatrix(workload, { quality: 1, perUsd: 0, perMs: 0 });
  const report = offPolicyReport(rows.map(loggedRow), matrix);
  expect(Object.keys(report)).toEqual(['engine, best utility', 'always good', 'always bad', 'always rare']);
  expect(report['always good']!.truth).toBeCloseTo(0.8);
  expect(report['always good']!.snips!.value).toBeCloseTo(0.8);
  expect(report['engine, best utility']).toMatchObject({ truth: expect.closeTo(0.2), refused: null });
  expect(report['engine, best utility']!.dr!.value).toBeCloseTo(0.2);
  expect(report['always bad']!.effectiveSampleSize).toBeGreaterThan(50);
  // Where it could not be drawn the others are used evenly.
  expect(report['always rare']).toMatchObject({ truth: expect.closeTo(0.5), snips: null, dr: null });
  expect(report['always rare']!.refused).toMatch(/effective sample size/);
});
