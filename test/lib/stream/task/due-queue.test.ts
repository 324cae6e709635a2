import fc from 'fast-check';
import { createDueQueue } from '../../../../lib/stream/task/due-queue';

test('law: takes what a sorted map would', () => {
  const slot = fc.constantFrom(0, 1, 2, 3, 70, 500);
  const command = fc.oneof(
    { weight: 4, arbitrary: fc.record({ slot, dueAtMs: fc.option(fc.integer({ min: 0, max: 50 })) }) },
    {
      weight: 1,
      arbitrary: fc.record({ nowMs: fc.integer({ min: 0, max: 50 }), limit: fc.integer({ min: 1, max: 3 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
      const queue = createDueQueue();
      const model = new Map<number, { dueAtMs: number; sequence: number }>();
      let sequence = 0;
      const sorted = () => [...model].sort(([, a], [, b]) => a.dueAtMs - b.dueAtMs || a.sequence - b.sequence);
      for (const step of commands) {
        if ('slot' in step) {
          queue.set(step.slot, step.dueAtMs);
          if (step.dueAtMs === null) model.delete(step.slot);
          else if (model.get(step.slot)?.dueAtMs !== step.dueAtMs) {
            model.set(step.slot, { dueAtMs: step.dueAtMs, sequence: sequence++ });
          }
        } else {
          const expected = sorted()
            .filter(([, { dueAtMs }]) => dueAtMs <= step.nowMs)
            .slice(0, step.limit)
            .map(([slot]) => slot);
          expect(queue.take(step.nowMs, step.limit)).toEqual(expected);
          for (const slot of expected) model.delete(slot);
        }
        expect(queue.size).toBe(model.size);
        expect(queue.nextAtMs()).toBe(sorted()[0]?.[1].dueAtMs ?? null);
      }
    }),
  );
});

test('rows that have new numbers wait on as they did, and in the order they did', () => {
  const queue = createDueQueue();
  for (const [slot, dueAtMs] of [
    [900, 7],
    [3, 5],
    [70, 5],
    [12, 9],
  ] as const)
    queue.set(slot, dueAtMs);
  queue.clockWasSet(100);
  // Row 4 does not wait.
  queue.renumber([70, 4, 12, 900, 3]);
  expect([queue.size, queue.nextAtMs()]).toEqual([4, 105]);
  queue.set(1, 106);
  queue.set(2, 109);
  expect(queue.take(200, 10)).toEqual([4, 0, 1, 3, 2]);
  expect(queue.nextAtMs()).toBeNull();
});
