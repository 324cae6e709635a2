import { createRewardCentre, observeRewards } from '../../../../lib/learning/rl/reward-centring';

test('rewards of one and of several steps count by the steps they span', () => {
  const centre = createRewardCentre();
  observeRewards(centre, [
    { reward: 4, rewardWeight: 1 },
    { reward: 5, rewardWeight: 2 },
  ]);
  expect(centre.mean).toBeCloseTo(3);
});

test('an even mean at first, a memory of about 100 batches later', () => {
  const centre = createRewardCentre();
  const observe = (reward: number, times: number): void => {
    for (let i = 0; i < times; i++) observeRewards(centre, [{ reward, rewardWeight: 1 }]);
  };
  observe(1, 10);
  observe(3, 10);
  expect(centre.mean).toBeCloseTo(2);
  observe(2, 1000);
  observe(5, 100);
  expect(centre.mean).toBeCloseTo(2 + 3 * (1 - 0.99 ** 100), 2);
});
