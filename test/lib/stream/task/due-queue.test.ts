import fc from 'fast-check';
import { createDueQueue } from '../../../../lib/stream/task/due-queue';

test('law: takes what a sorted map would', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const command = fc.oneof(
    { weight: 4, arbitrary: fc.record({ key, dueAtMs: fc.option(fc.integer({ min: 0, max: 50 })) }) },
    {
      weight: 1,
      arbitrary: fc.record({ nowMs: fc.integer({ min: 0, max: 50 }), limit: fc.integer({ min: 1, max: 3 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 400 }), (commands) => {
      const queue = createDueQueue();
      const model = new Map<string, { dueAtMs: number; sequence: number }>();
      let sequence = 0;
      const sorted = () => [...model].sort(([, a], [, b]) => a.dueAtMs - b.dueAtMs || a.sequence - b.sequence);
      for (const step of commands) {
        if ('key' in step) {
          queue.set(step.key, step.dueAtMs);
          if (step.dueAtMs === null) model.delete(step.key);
          else if (model.get(step.key)?.dueAtMs !== step.dueAtMs) {
            model.set(step.key, { dueAtMs: step.dueAtMs, sequence: sequence++ });
          }
        } else {
          const expected = sorted()
            .filter(([, { dueAtMs }]) => dueAtMs <= step.nowMs)
            .slice(0, step.limit)
            .map(([name]) => name);
          expect(queue.take(step.nowMs, step.limit)).toEqual(expected);
          for (const name of expected) model.delete(name);
        }
        expect(queue.nextAtMs()).toBe(sorted()[0]?.[1].dueAtMs ?? null);
      }
    }),
  );
});

test('outdated entries are swept, so that rows that come and go do not pile up', () => {
  const queue = createDueQueue();
  queue.set('stays', 1_000_000);
  for (let i = 0; i < 1_000; i++) {
    queue.set(`row${i}`, 500_000 + i);
    queue.set(`row${i}`, null);
    queue.set('stays', 1_000_000 + (i % 2));
    expect(queue.entries).toBeLessThanOrEqual(64);
  }
  expect(queue.take(2_000_000, 10)).toEqual(['stays']);
});

test('what was taken leaves no memory behind, whether all of it has gone or some waits on, and the rest stays in order', () => {
  const queue = createDueQueue();
  const count = 10_000;
  for (let i = 0; i < count; i++) {
    queue.set(`row${i}`, i);
    // Half of them are moved once, so that outdated entries are among them.
    if (i % 2 === 0) queue.set(`row${i}`, i + 0.5);
  }
  const taken: string[] = [];
  while (taken.length < count) {
    taken.push(...queue.take(count, 700));
    expect(queue.room).toBeLessThanOrEqual(Math.max(64, 4 * queue.entries));
  }
  expect(taken).toEqual(Array.from({ length: count }, (_, i) => `row${i}`));
  expect([queue.entries, queue.room]).toEqual([0, 64]);
  queue.set('comes', 5);
  expect([queue.nextAtMs(), queue.take(5, 10)]).toEqual([5, ['comes']]);
});
