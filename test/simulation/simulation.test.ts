import { simulate } from '../../checks/simulation';

// Another seed: SEED=7 npx jest --selectProjects simulation
const seed = Number(process.env['SEED'] ?? 1);

const placements = [
  ['each service by itself', ['separate']],
  ['chained', ['chained']],
  ['chained and each by itself in turn, on one log', ['separate', 'chained']],
] as const;

describe(`the whole engine on an unkind broker (seed ${seed})`, () => {
  it.each(placements)(
    '%s: decides every request once, by its deadline, with exact propensities, and learns every outcome once',
    async (_how, inTurn) => {
      const result = await simulate({ seed, requests: 150, crashes: 3, placements: inTurn });
      expect(result.violations).toEqual([]);
      expect(result.decisions).toBe(150);
      expect(result.learningEvents).toBeGreaterThan(50);
      expect(result.deadLetters).toBeGreaterThan(0);
    },
  );

  it('writes the same log for the same seed and another one for another', async () => {
    const options = { seed, requests: 60, crashes: 1 };
    const first = await simulate(options);
    const again = await simulate(options);
    const other = await simulate({ ...options, seed: seed + 1 });
    expect(again.logSha256).toBe(first.logSha256);
    expect(other.logSha256).not.toBe(first.logSha256);
  });
});
