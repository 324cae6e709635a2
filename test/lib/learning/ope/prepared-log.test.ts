import { prepareLog } from '../../../../lib/learning/ope/prepared-log';
import { decision } from './toy-log';

test('lays candidates out in rows as long as the longest', () => {
  const log = prepareLog([
    decision({ id: '1', reward: -1 }),
    decision({ id: '2', models: ['a', 'b', 'c'], propensities: [0.2, 0.3, 0.5], chosen: 2, reward: 4 }),
    decision({ id: '3', models: ['c'], propensities: [1], chosen: 0, reward: 2 }),
  ]);
  expect(log).toMatchObject({ stride: 3, judged: 3, rewardRange: [-1, 4] });
  expect(Array.from(log.seen)).toEqual([0.5, 0.5, 0, 0.2, 0.3, 0.5, 1, 0, 0]);
  expect(log.predicted).toHaveLength(9);
});

test('an empty log is a log', () => {
  expect(prepareLog([])).toMatchObject({ stride: 0, judged: 0, rewardRange: [0, 0] });
});
