import { rememberRows } from '../../../lab/workloads/recent-rows';
import { simulatedWorld } from '../../../lab/workloads/simulated-world';

test('rows are those of the workload, and one of the newest is not made again', () => {
  const world = simulatedWorld({ world: 1, rows: 20, seed: 1 });
  const asked: number[] = [];
  const remembered = rememberRows(
    {
      ...world,
      row(index) {
        asked.push(index);
        return world.row(index);
      },
    },
    4,
  );
  for (const index of [0, 1, 2, 1, 3, 0]) expect(remembered.row(index)).toEqual(world.row(index));
  expect(asked).toEqual([0, 1, 2, 3]);
  // The fifth takes the place of the first.
  for (const index of [4, 0, 1, 0]) expect(remembered.row(index)).toEqual(world.row(index));
  expect(asked).toEqual([0, 1, 2, 3, 4, 0]);
  expect(() => remembered.row(20)).toThrow(RangeError);
  expect(remembered.models).toBe(world.models);
});
