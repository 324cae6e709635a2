import { withBeliefs } from '../../../../lab/studies/harm/beliefs';
import { harmOf, meanBetween } from '../../../../lab/studies/harm/harm';
import { simulatedWorld } from '../../../../lab/workloads/simulated-world';

const rules = new Float64Array(500).fill(0.5);

test('the least share is looked for at every hundredth request from the 200th on', () => {
  // Nothing for 50 requests, then as good as the rules, at last better.
  const utilities = Float64Array.from(rules, (value, i) => (i < 50 ? 0 : i < 300 ? value : 1));
  expect(harmOf(utilities, rules)).toMatchObject({ leastShare: 150 / 200, leastAt: 200, rules: 0.5 });
  const late = Float64Array.from(rules, (value, i) => (i < 400 ? value : 0));
  expect(harmOf(late, rules)).toMatchObject({ leastShare: 0.8, leastAt: 500, meanUtility: 0.4 });
  expect(harmOf(rules.subarray(0, 199), rules.subarray(0, 199)).leastShare).toBeNaN();
});

test('the mean of a stretch leaves out its end', () => {
  expect(meanBetween(Float64Array.of(1, 2, 3, 4), 1, 3)).toBe(2.5);
});

test('beliefs go to other models or are gone, names and prices stay', () => {
  const world = simulatedWorld({ world: 1, rows: 10, seed: 1 });
  const wrong = withBeliefs(world, 'shuffled', 1);
  const sorted = (models: typeof world.models) => models.map(({ expectedQuality }) => expectedQuality).sort();
  expect(sorted(wrong.models)).toEqual(sorted(world.models));
  expect(wrong.models.map(({ expectedQuality }) => expectedQuality)).not.toEqual(
    world.models.map(({ expectedQuality }) => expectedQuality),
  );
  const without = withBeliefs(world, 'none', 1);
  expect(new Set(without.models.map(({ expectedQuality }) => expectedQuality)).size).toBe(1);
  for (const changed of [wrong, without]) {
    expect(changed.models.map(({ name, price }) => [name, price])).toEqual(
      world.models.map(({ name, price }) => [name, price]),
    );
  }
});
