import { taskSlotOf, taskSlots } from '../../../../lib/learning/features/task-slot';
import { taskTypes } from '../../../../lib/routing/open/infer-task';

test('every known type has a slot of its own, hints share the others, always the same', () => {
  const known = taskTypes.map(taskSlotOf);
  expect(new Set(known).size).toBe(taskTypes.length);
  const hints = Array.from({ length: 200 }, (_, i) => taskSlotOf(`hint ${i}`));
  expect(hints).toEqual(Array.from({ length: 200 }, (_, i) => taskSlotOf(`hint ${i}`)));
  expect(Math.min(...hints)).toBe(taskTypes.length);
  expect(Math.max(...hints)).toBe(taskSlots - 1);
});
