/** A short run of some scenarios: that they measure what they say, and that the same seed gives the same. */
import { playScenario } from '../../checks/scenarios/play';
import { scenarios } from '../../checks/scenarios/scenarios';
import { expectedUtility, requestAt } from '../../checks/scenarios/world';

const play = (name: string, isWith = true) =>
  playScenario({ scenario: scenarios.find((one) => one.name === name)!, isWith, requests: 90, seed: 3 });

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

test('nobody is worth more than the oracle, and a bad configuration costs nothing', async () => {
  const bad = await play('bad-configuration');
  expect([bad.failures, bad.undecided]).toEqual([[], 0]);
  for (const [i, utility] of bad.utilities.entries()) expect(utility).toBeLessThanOrEqual(bad.oracle[i]! + 1e-9);
  const undisturbed = await playScenario({
    scenario: { ...scenarios.find(({ name }) => name === 'bad-configuration')!, badConfig: false },
    ...{ isWith: true, requests: 90, seed: 3 },
  });
  // Records that the trainer passes over come between others, so a request may be opened with the tuning before or after.
  expect(Math.abs(mean(bad.utilities) - mean(undisturbed.utilities))).toBeLessThan(0.001);
});

test('an agent that loops gets as many calls as its budget has, and others lose nothing', async () => {
  const looping = await play('looping-agent');
  expect(looping).toMatchObject({ extraDecided: 30, undecided: 0, failures: [] });
  const without = await play('looping-agent', false);
  expect(without.extraDecided).toBe(60);
});

test('trouble with a model is trouble for whoever chooses it, and for nobody else', () => {
  const request = requestAt(1, 5);
  const down = { failing: { share: 1, status: 'FAILURE' as const } };
  expect(expectedUtility('alpha', request, down)).toBeLessThan(0.05);
  for (const trouble of [down, { slower: 10 }, { dearer: 10 }, { worse: 0.3 }])
    expect(expectedUtility('alpha', request, trouble)).toBeLessThan(expectedUtility('alpha', request));
  expect(requestAt(1, 5)).toEqual(request);
});
