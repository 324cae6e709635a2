import { harmOf } from '../../lab/studies/harm/harm';
import { playWorld } from '../../lab/studies/play-world';
import { simulatedWorld } from '../../lab/workloads/simulated-world';
import { topics } from '../../lib/topics/topics';

// One seed on a virtual clock: the same figures on every machine and on every day.
const seed = 1;
const requests = 400;
/** Of a run. */
const partitions = 4;

test('learning falls behind the declared beliefs by less than three per cent, from the first requests on', async () => {
  const world = { ...simulatedWorld({ world: 1, rows: 15_000, seed }), rows: requests };
  const { policies, choices, summary, home } = await playWorld(world, seed, () => {});
  const rules = policies.find(({ name }) => name === 'static rules')!;
  expect(harmOf(policies[0]!.utilities, rules.utilities).leastShare).toBeGreaterThan(0.97);

  const reasons: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const of = { topic: topics.routeDecided.name, partition };
    const { earliest, end } = await home.broker.offsets(of);
    for await (const records of home.broker.read(of, { from: earliest, to: end })) {
      for (const { value } of records) reasons.push(topics.routeDecided.codec.decode(value!).reasoning);
    }
  }
  expect(reasons).toHaveLength(requests);
  const first = reasons.filter((reason) => reason.includes('nothing learned yet (0 of 40 rewards)'));
  expect(first.length).toBeGreaterThan(0);
  expect(first.filter((reason) => reason.includes('routed by what the configuration declares')).length).toBeGreaterThan(
    first.length / 2,
  );
  expect(reasons.join('\n')).not.toContain('drawn at random');

  // It is no router of one model, and says so.
  expect(choices!.dependsOnText).toBeGreaterThan(0.3);
  expect(choices!.changedBy.blankLines).toBeLessThan(0.3);
  expect(summary).toContain('over the best fixed model');
});
