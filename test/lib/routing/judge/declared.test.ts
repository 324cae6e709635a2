import fc from 'fast-check';
import {
  believedShares,
  conserve,
  declaredChoice,
  declaredError,
  declaredShare,
  leastDeclaredError,
} from '../../../../lib/routing/judge/declared';
import { unlearnedShares } from '../../../../lib/routing/judge/unlearned-shares';
import type { Candidate, RouteOpened } from '../../../../lib/topics/generated/messages';
import { candidateOf, openedOf, tuningOf } from '../fixtures';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Candidates of these declared qualities, all of one price, that nobody has observed. */
function declaredAs(qualities: readonly number[], changes: Partial<RouteOpened> = {}): RouteOpened {
  return openedOf({
    candidates: qualities.map((quality, i) => unobserved(`m${i}`, quality)),
    tuning: tuningOf({ learnedRewards: 0, regretAllowance: 0 }),
    ...changes,
  });
}

function unobserved(model: string, quality: number, changes: Partial<Candidate> = {}): Candidate {
  const declared = { quality, costUsd: 0.001, latencyMs: 1_000 };
  return candidateOf(model, 'p', { expectedQuality: quality, observations: 0, declared, ...changes });
}

describe('the declared choice', () => {
  test('is the best by declared quality, price and latency, whatever was observed since', () => {
    const opened = declaredAs([0.5, 0.8, 0.6]);
    expect(declaredChoice(opened)).toBe(1);
    const observed = opened.candidates.map((candidate) => ({ ...candidate, expectedQuality: 0.1, expectedCostUsd: 9 }));
    expect(declaredChoice({ ...opened, candidates: observed })).toBe(1);
    const dear = { quality: 0.8, costUsd: 0.01, latencyMs: 1_000 };
    const candidates = opened.candidates.map((candidate, i) =>
      i === 1 ? { ...candidate, declared: dear } : candidate,
    );
    expect(declaredChoice({ ...opened, candidates, preference: { quality: 0.5, cost: 0.5, latency: 0 } })).toBe(2);
  });

  test('is an eligible one', () => {
    const opened = declaredAs([0.5, 0.8, 0.6]);
    const candidates = opened.candidates.map((candidate, i) => ({ ...candidate, eligible: i !== 1 }));
    expect(declaredChoice({ ...opened, candidates })).toBe(2);
  });

  test('is none where nothing that differs is declared, under a budget, and in a log from before', () => {
    expect(declaredChoice(declaredAs([0.5, 0.5]))).toBe(-1);
    expect(declaredChoice(declaredAs([0.5, 0.8], { budgetUsdPerRequest: 0.001 }))).toBe(-1);
    expect(declaredChoice(declaredAs([0.5, 0.8], { priorObservations: 0 }))).toBe(-1);
    expect(declaredChoice(openedOf())).toBe(-1);
  });
});

test('what is declared counts like the stated number of observations', () => {
  const shareOf = (observations: number, priorObservations: number) =>
    declaredShare(unobserved('a', 0.5, { observations }), { priorObservations });
  expect(shareOf(0, 8)).toBe(1);
  expect(shareOf(24, 8)).toBe(0.25);
  expect(shareOf(24, 0)).toBe(0);
});

describe('declared beliefs that turn out wrong', () => {
  /** Models that were declared to be of these qualities, and turned out to be of those. */
  const found = (pairs: readonly (readonly [number, number])[], observations: number): RouteOpened =>
    openedOf({
      candidates: pairs.map(([declared, quality], i) => {
        const expectedQuality = declared + ((quality - declared) * observations) / (observations + 8);
        return { ...unobserved(`m${i}`, declared), expectedQuality, observations };
      }),
      tuning: tuningOf({ learnedRewards: 0, regretAllowance: null }),
    });

  test('are doubted, whoever they are of; those that hold are believed as much as before', () => {
    const right = found(
      [
        [0.9, 0.88],
        [0.5, 0.52],
        [0.3, 0.3],
      ],
      200,
    );
    expect(declaredError(right)).toBe(leastDeclaredError);
    const wrong = found(
      [
        [0.9, 0.3],
        [0.5, 0.9],
        [0.3, 0.3],
      ],
      200,
    );
    expect(declaredError(wrong)).toBeGreaterThan(2 * leastDeclaredError);
  });

  test('say nothing while nobody was observed, and little after one answer', () => {
    expect(declaredError(declaredAs([0.2, 0.9]))).toBe(leastDeclaredError);
    expect(declaredError(found([[0.9, 0.5]], 1))).toBeLessThan(1.3 * leastDeclaredError);
  });

  test('let a model be tried that is declared to be bad and that nobody has tried', () => {
    const untried = unobserved('untried', 0.3);
    const declaredAndFound = (qualities: readonly number[]) =>
      found(
        qualities.map((quality) => [quality, 0.5] as const),
        200,
      );
    const shareBeside = (opened: RouteOpened) =>
      believedShares({ ...opened, candidates: [...opened.candidates, untried] }).at(-1)!;
    expect(shareBeside(declaredAndFound([0.51, 0.5, 0.49, 0.5]))).toBe(0);
    expect(shareBeside(declaredAndFound([0.95, 0.9, 0.85, 0.1]))).toBeGreaterThan(0);
  });

  test('are some number whatever was observed', () => {
    const any = fc.double({ min: 0, max: 1, noNaN: true });
    const many = fc.double({ min: 0, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(any, any, many), { maxLength: 20 }), (models) => {
        const candidates = models.map(([quality, expectedQuality, observations], i) =>
          unobserved(`m${i}`, quality, { expectedQuality, observations }),
        );
        const error = declaredError({ candidates });
        expect(error).toBeGreaterThanOrEqual(leastDeclaredError);
        expect(error).toBeLessThanOrEqual(0.4);
      }),
    );
  });
});

test('beliefs vote for what they take for good, more surely the more was observed', () => {
  const shares = believedShares(declaredAs([0.2, 0.8, 0.75]));
  expect(sum(shares)).toBeCloseTo(1, 12);
  expect(shares[0]).toBe(0);
  expect(shares[2]).toBeGreaterThan(0);
  const known = declaredAs([0.2, 0.8, 0.75]);
  const candidates = known.candidates.map((candidate) => ({ ...candidate, observations: 10_000 }));
  const [, favourite] = believedShares({ ...known, candidates });
  expect(favourite).toBeCloseTo(1, 12);
});

describe('the first requests', () => {
  test('go to the declared choice, not by lot', () => {
    expect(unlearnedShares(declaredAs([0.5, 0.8, 0.6]))).toEqual([0, 1, 0]);
  });

  test('are drawn alike where nothing is declared', () => {
    expect(unlearnedShares(declaredAs([0.5, 0.5]))).toEqual([0.5, 0.5]);
  });
});

describe('conservative exploration', () => {
  const allowing = (regretAllowance: number | null) =>
    declaredAs([0.9, 0.5], { tuning: tuningOf({ regretAllowance }) });
  const utilities = [0.9, 0.5];

  test('loses no more than it may, as expected of it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 2, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (allowed, bold) => {
          const mixed = conserve(allowing(allowed), [1 - bold, bold], utilities);
          expect(sum(mixed)).toBeCloseTo(1, 9);
          expect(mixed[1]).toBeLessThanOrEqual(bold + 1e-12);
          // What it is expected to lose: .4 a draw of the other.
          expect(0.4 * mixed[1]!).toBeLessThanOrEqual(Math.max(0, allowed) + 1e-12);
        },
      ),
    );
  });

  test('leaves a distribution as it is without a limit, within it, and where nothing is declared', () => {
    const bold = [0.2, 0.8];
    expect(conserve(allowing(null), bold, utilities)).toBe(bold);
    expect(conserve(allowing(1), bold, utilities)).toBe(bold);
    expect(conserve(declaredAs([0.5, 0.5]), bold, utilities)).toBe(bold);
  });

  test('stays with the declared choice once all is lost', () => {
    expect(conserve(allowing(-3), [0, 1], utilities)).toEqual([1, 0]);
  });
});
