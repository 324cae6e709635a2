import { simulate } from '../../checks/simulation';
import { topics } from '../../lib/topics/topics';

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

  it.each([['chained'], ['separate', 'chained']] as const)(
    '%s, with strategies in a group of their own: a decision waits for both groups, and the same holds',
    async (...inTurn) => {
      const strategyGroups = 'apart=cost_efficient,performance';
      const result = await simulate({ seed, requests: 150, crashes: 3, placements: inTurn, strategyGroups });
      expect(result.violations).toEqual([]);
      expect(result.decisions).toBe(150);
      const groupsOf = new Map<string, Set<string>>();
      for (let partition = 0; partition < 4; partition++) {
        const of = { topic: topics.strategyScored.name, partition };
        for await (const records of result.broker.read(of, { from: 0 }))
          for (const { value } of records) {
            const { requestId, group, threads } = topics.strategyScored.codec.decode(value!);
            groupsOf.set(requestId, (groupsOf.get(requestId) ?? new Set()).add(group));
            const apart = ['COST_EFFICIENT', 'PERFORMANCE'];
            for (const { strategy } of threads)
              expect(apart.includes(strategy)).toBe(group === 'strategy-threads-apart');
          }
      }
      // A request of a crash may have been decided at its deadline.
      const whole = [...groupsOf.values()].filter((groups) => groups.size === 2);
      expect(whole.length).toBeGreaterThan(groupsOf.size / 2);
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
