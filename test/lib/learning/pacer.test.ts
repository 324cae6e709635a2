import { headCount } from '../../../lib/learning/linear-half';
import {
  createPacer,
  observeCost,
  observePrice,
  observeSpending,
  type Pacer,
  remember,
  solvePrice,
} from '../../../lib/learning/pacer';

/** Dear: quality .9 for 10 mUSD; cheap: .6 for 1 mUSD. Heads agree. */
function pacerWith(budgetUsd: number | null): Pacer {
  const pacer = createPacer(budgetUsd, 0.01);
  observeCost(pacer, 'dear', 0.01, 1);
  observeCost(pacer, 'cheap', 0.001, 1);
  for (let i = 0; i < 200; i++) {
    const heads = new Float64Array(2 * headCount);
    // The gain of the dear model differs from request to request, so that any mean cost can be met.
    for (let m = 0; m < headCount; m++) {
      heads[m] = 0.6 + 0.3 * ((i % 100) / 100);
      heads[headCount + m] = 0.6;
    }
    remember(pacer, { models: ['dear', 'cheap'], heads, perUsd: 0, costFactors: Float64Array.of(1, 1) });
  }
  return pacer;
}

/** Mean cost of the window at a price. */
function spending(pacer: Pacer, price: number): number {
  let total = 0;
  for (const { heads } of pacer.window)
    total += heads[0]! - price * 0.01 > heads[headCount]! - price * 0.001 ? 0.01 : 0.001;
  return total / pacer.window.length;
}

test('lambda makes the last requests cost the budget', () => {
  for (const budget of [0.002, 0.004, 0.007]) {
    const pacer = pacerWith(budget);
    solvePrice(pacer);
    expect(spending(pacer, pacer.costPricePerUsd) / budget).toBeGreaterThan(0.85);
    expect(spending(pacer, pacer.costPricePerUsd) / budget).toBeLessThan(1.02);
  }
});

test('no budget, a roomy budget or no requests: no price', () => {
  for (const pacer of [pacerWith(null), pacerWith(0.02), createPacer(0.001, 0.01)]) {
    pacer.costPricePerUsd = 5;
    solvePrice(pacer);
    expect(pacer.costPricePerUsd).toBe(0);
  }
});

test('an impossible budget leaves the cheapest', () => {
  const pacer = pacerWith(0.0001);
  solvePrice(pacer);
  expect(spending(pacer, pacer.costPricePerUsd)).toBeCloseTo(0.001, 12);
});

test('debts are paid back, savings are spent, both within limits', () => {
  const solved = (spent: number, times: number): number => {
    const pacer = pacerWith(0.004);
    for (let i = 0; i < times; i++) observeSpending(pacer, spent);
    solvePrice(pacer);
    return spending(pacer, pacer.costPricePerUsd);
  };
  expect(solved(0.008, 50)).toBeLessThan(0.0025);
  expect(solved(0, 50)).toBeGreaterThan(0.004);
  const pacer = pacerWith(0.004);
  observeSpending(pacer, 1e6);
  expect(pacer.overspentUsd).toBeCloseTo(200 * 0.004);
  observeSpending(pacer, -1e6);
  expect(pacer.overspentUsd).toBeCloseTo(-20 * 0.004);
});

test('mean costs: averages, and a jump after three surprises in a row on one side', () => {
  const pacer = createPacer(null, 0.01);
  for (const cost of [1, 2, 3]) observeCost(pacer, 'm', cost, 1);
  expect(pacer.costs.get('m')?.ratio).toBeCloseTo(2);
  expect([9, 0.1, 20, 20].map((cost) => observeCost(pacer, 'm', cost, 1))).toEqual([false, false, false, false]);
  const before = pacer.costs.get('m')!.ratio;
  expect(before).toBeLessThan(20);
  const jumping = createPacer(null, 0.01);
  observeCost(jumping, 'm', 1, 1);
  expect([16, 16, 16].map((cost) => observeCost(jumping, 'm', cost, 0.5))).toEqual([false, false, false]);
});

test('a long-known model whose price is cut to a tenth is believed after three calls', () => {
  const pacer = createPacer(null, 0.01);
  for (let i = 0; i < 100; i++) observeCost(pacer, 'm', 1, 1);
  expect([0.1, 0.1, 0.1].map((cost) => observeCost(pacer, 'm', cost, 1))).toEqual([false, false, true]);
  expect(pacer.costs.get('m')?.ratio).toBeCloseTo(0.1, 2);
});

test('a price is new once', () => {
  const pacer = createPacer(null, 0.01);
  expect([1, 1, 2, 2].map((price) => observePrice(pacer, 'm', price))).toEqual([false, false, true, false]);
});
