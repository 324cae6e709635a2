import { createReportedOutcomes } from '../../../../services/gateway/decisions/reported-outcomes';
import { outcome } from '../../reward-feedback/records';

const cost = { quality: null, latencyMs: null, inputTokens: null, outputTokens: null };
const judgement = { ...cost, costUsd: null, quality: 0.5 };

test('reports add up, a contradiction is known, and forgotten with the report that it contradicts', () => {
  const reported = createReportedOutcomes(10);
  const first = outcome('d', cost);
  expect(reported.take(first)).toMatchObject({ kind: 'taken' });
  expect(reported.take(outcome('d', judgement))).toMatchObject({ kind: 'taken' });
  expect(reported.of('d')).toHaveLength(2);
  const other = outcome('d', { ...cost, costUsd: 9 });
  expect(reported.take(other)).toMatchObject({ kind: 'contradiction', field: 'revision' });
  reported.forget(first);
  expect(reported.take(other)).toMatchObject({ kind: 'taken' });
  reported.forget(outcome('never taken'));
  expect(reported.of('__proto__')).toEqual([]);
});

test('what was reported on longest ago is forgotten first; a further report makes a decision new again', () => {
  const reported = createReportedOutcomes(3);
  for (const id of ['a', 'b', 'c']) reported.take(outcome(id, cost));
  reported.take(outcome('a', judgement));
  expect(['a', 'b', 'c'].map((id) => reported.of(id).length)).toEqual([2, 0, 1]);
});
