import { createSetGaps, knownGaps, observeAnswers, setCoverages } from '../../../../lib/learning/value/set-gaps';
import type { Random } from '../../../../lib/ports/random';
import { seededRandom } from '../../../../lib/random/seeded';

const models = 6;

/** Right or wrong answers whose probabilities are known up to an error: what a calibrated learner sees. */
function request(random: Random): { predicted: number[]; answers: number[] } {
  const predicted = Array.from({ length: models }, () => 0.2 + 0.6 * random.next());
  const answers = predicted.map((mean) => (random.next() < mean + 0.1 * (random.next() - 0.5) ? 1 : 0));
  return { predicted, answers };
}

/** Of the good answers of fresh requests, how many come from models within the gap. */
function coverageOf(gap: number, random: Random): number {
  let good = 0;
  let inside = 0;
  for (let i = 0; i < 4_000; i++) {
    const { predicted, answers } = request(random);
    const best = Math.max(...predicted);
    answers.forEach((quality, model) => {
      if (quality < best) return;
      good++;
      if (best - predicted[model]! <= gap) inside++;
    });
  }
  return inside / good;
}

/** Who calls the best nine times in ten sees little of the others. */
const callBest = ({ predicted }: { predicted: number[] }, random: Random): number[] =>
  random.next() < 0.1 ? [random.integer(models)] : [predicted.indexOf(Math.max(...predicted))];

test.each([
  ['all candidates asked', () => Array.from({ length: models }, (_, i) => i)],
  ['one called, mostly the best', callBest],
] as const)('sets cover what they state on data they have not seen: %s', (_, callsOf) => {
  const random = seededRandom(1, 'sets');
  const gaps = createSetGaps();
  for (let i = 0; i < 12_000; i++) {
    const drawn = request(random);
    const calls = callsOf(drawn, random);
    observeAnswers(
      gaps,
      drawn.predicted,
      calls.map((candidate) => ({ candidate, quality: drawn.answers[candidate]! })),
    );
  }
  const known = knownGaps(gaps);
  for (const coverage of setCoverages) {
    expect(Math.abs(coverageOf(known[String(coverage)]!, random) - coverage)).toBeLessThan(0.02);
  }
});

test('no coverage is stated before enough good answers can lie outside, the widest set last', () => {
  const gaps = createSetGaps();
  const stated: number[] = [];
  for (let i = 0; i < 120; i++) {
    observeAnswers(gaps, [0.5, 0.4], [{ candidate: 1, quality: 1 }]);
    stated.push(Object.keys(knownGaps(gaps)).length);
  }
  expect([stated[23], stated[26], stated[49], stated[52], stated[98], stated[110]]).toEqual([0, 1, 1, 2, 2, 3]);
});

test('wrong answers and those below what the best was expected to reach widen no set', () => {
  const gaps = createSetGaps();
  for (let i = 0; i < 500; i++) {
    observeAnswers(gaps, [0.7, 0.2], [{ candidate: 0, quality: 1 }]);
    observeAnswers(gaps, [0.7, 0.2], [{ candidate: 1, quality: 0.69 }]);
  }
  expect(knownGaps(gaps)).toEqual({ 0.8: 0, 0.9: 0, 0.95: 0 });
});
