import fc from 'fast-check';
import { createBodyBudget } from '../../../../services/gateway/http/body-budget';

test('the largest that is still arriving goes first, so a small one gets through', () => {
  const budget = createBodyBudget(100);
  const refused: string[] = [];
  const hoards = ['a', 'b'].map((name) => budget.open(() => refused.push(name)));
  expect([hoards[0]!.take(40), hoards[1]!.take(50)]).toEqual([true, true]);
  const small = budget.open(() => refused.push('small'));
  expect(small.take(20)).toBe(true);
  expect([refused, budget.usedBytes]).toEqual([['b'], 60]);
});

test('the largest of all is refused itself; a complete one is never', () => {
  const budget = createBodyBudget(100);
  const refused: string[] = [];
  const complete = budget.open(() => refused.push('complete'));
  complete.take(60);
  complete.complete();
  const other = budget.open(() => refused.push('other'));
  const large = budget.open(() => refused.push('large'));
  expect([other.take(10), large.take(50)]).toEqual([true, false]);
  expect(refused).toEqual([]);
  complete.release();
  expect(large.take(50)).toBe(true);
  large.release();
  large.release();
  expect([large.take(1), budget.usedBytes]).toEqual([false, 10]);
});

test('never more than the budget, and everything comes back', () => {
  const step = fc.record({ who: fc.nat(4), bytes: fc.nat(60), end: fc.constantFrom('no', 'complete', 'release') });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const budget = createBodyBudget(100);
      const gone = new Set<number>();
      const shares = Array.from({ length: 5 }, (_, i) => budget.open(() => gone.add(i)));
      for (const { who, bytes, end } of steps) {
        if (!gone.has(who)) shares[who]!.take(bytes);
        if (end === 'complete') shares[who]!.complete();
        if (end === 'release') shares[who]!.release();
        expect(budget.usedBytes).toBeLessThanOrEqual(100);
        expect(budget.usedBytes).toBeGreaterThanOrEqual(0);
      }
      for (const share of shares) share.release();
      expect(budget.usedBytes).toBe(0);
    }),
  );
});
