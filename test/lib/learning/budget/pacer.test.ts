import { newcomer } from '../../../../lib/learning/budget/guarantees';
import {
  correctCost,
  createPacer,
  judgeAnew,
  observeCost,
  observePrice,
  observeSpending,
  type Pacer,
  remember,
  solvePrice,
  unjudged,
} from '../../../../lib/learning/budget/pacer';
import { headCount } from '../../../../lib/learning/value/linear-half';
import type { Values } from '../../../../lib/learning/value/policy';

/** Dear: quality .6 to .9 for 10 mUSD; cheap: .6 for 1 mUSD. Heads agree. */
function pacerWith(budgetUsd: number | null): Pacer {
  const pacer = createPacer(budgetUsd, 0.01);
  observeCost(pacer, 'dear', 0.01, 1, null);
  observeCost(pacer, 'cheap', 0.001, 1, null);
  for (let i = 0; i < 200; i++) {
    const request = unjudged({ offset: i, features: null, models: ['dear', 'cheap'], qualityWeight: 1, perUsd: 0 });
    // The gain of the dear model differs from request to request, so that any mean cost can be met.
    judgeAnew(request, ['cheap', 'dear'], valuesOf([0.6, 0.6 + 0.3 * ((i % 100) / 100)]));
    remember(pacer, request);
  }
  return pacer;
}

function valuesOf(qualities: readonly number[]): Values {
  return {
    heads: Float64Array.from(qualities.flatMap((quality) => new Array<number>(headCount).fill(quality))),
    means: Float64Array.from(qualities),
    costFactors: new Float64Array(qualities.length).fill(1),
  };
}

const nothingBeside = { offsetOf: () => 0, guaranteeOf: () => null };

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
    solvePrice(pacer, nothingBeside);
    expect(spending(pacer, pacer.costPricePerUsd) / budget).toBeGreaterThan(0.85);
    expect(spending(pacer, pacer.costPricePerUsd) / budget).toBeLessThan(1.02);
  }
});

test('no budget, a roomy budget or no requests: no price', () => {
  for (const pacer of [pacerWith(null), pacerWith(0.02), createPacer(0.001, 0.01)]) {
    pacer.costPricePerUsd = 5;
    solvePrice(pacer, nothingBeside);
    expect(pacer.costPricePerUsd).toBe(0);
  }
});

test('an impossible budget leaves the cheapest', () => {
  const pacer = pacerWith(0.0001);
  solvePrice(pacer, nothingBeside);
  expect(spending(pacer, pacer.costPricePerUsd)).toBeCloseTo(0.001, 12);
});

test('debts are paid back, savings are spent, both within limits', () => {
  const solved = (spent: number, times: number): number => {
    const pacer = pacerWith(0.004);
    for (let i = 0; i < times; i++) observeSpending(pacer, spent);
    solvePrice(pacer, nothingBeside);
    return spending(pacer, pacer.costPricePerUsd);
  };
  expect(solved(0.008, 50)).toBeLessThan(0.0025);
  expect(solved(0, 50)).toBeGreaterThan(0.004);
  const pacer = pacerWith(0.004);
  observeSpending(pacer, 1e6);
  expect(pacer.overspentUsd).toBeCloseTo(200 * 0.004);
  observeSpending(pacer, -1e6);
  expect(pacer.overspentUsd).toBeCloseTo(-10 * 0.004);
});

test('a small debt waits, a large one does not', () => {
  const priceAt = (debt: number): number => {
    const pacer = pacerWith(0.004);
    pacer.overspentUsd = debt * 0.004;
    solvePrice(pacer, nothingBeside);
    return spending(pacer, pacer.costPricePerUsd) / 0.004;
  };
  expect(priceAt(5) / priceAt(0)).toBeGreaterThan(0.95);
  expect(priceAt(35) / priceAt(0)).toBeLessThan(0.6);
  expect(priceAt(-10) / priceAt(0)).toBeGreaterThan(1.1);
});

test('mean costs: averages, and a jump after three surprises in a row on one side', () => {
  const pacer = createPacer(null, 0.01);
  for (const cost of [1, 2, 3]) observeCost(pacer, 'm', cost, 1, null);
  expect(pacer.costs.get('m')?.ratio).toBeCloseTo(2);
  expect([9, 0.1, 20, 20].map((cost) => observeCost(pacer, 'm', cost, 1, null))).toEqual([false, false, false, false]);
  const before = pacer.costs.get('m')!.ratio;
  expect(before).toBeLessThan(20);
  const jumping = createPacer(null, 0.01);
  observeCost(jumping, 'm', 1, 1, null);
  expect([16, 16, 16].map((cost) => observeCost(jumping, 'm', cost, 0.5, null))).toEqual([false, false, false]);
});

test('a long-known model whose price is cut to a tenth is believed after three calls', () => {
  const pacer = createPacer(null, 0.01);
  for (let i = 0; i < 100; i++) observeCost(pacer, 'm', 1, 1, null);
  expect([0.1, 0.1, 0.1].map((cost) => observeCost(pacer, 'm', cost, 1, null))).toEqual([false, false, true]);
  expect(pacer.costs.get('m')?.ratio).toBeCloseTo(0.1, 2);
});

test('a price is new once', () => {
  const pacer = createPacer(null, 0.01);
  expect([1, 1, 2, 2].map((price) => observePrice(pacer, 'm', price))).toEqual([false, false, true, false]);
});

test('a price that appears, disappears or is off by a million leaves a cost what it was', () => {
  const pacer = createPacer(null, 0);
  observePrice(pacer, 'a', 1);
  observeCost(pacer, 'a', 0.00125, 1, null);
  for (const factor of [0.00125, 1, 0.00125, 1_250]) {
    observePrice(pacer, 'a', factor);
    expect(pacer.costs.get('a')!.ratio * factor).toBeCloseTo(0.00125, 12);
  }
  // A price cut takes the cost with it.
  observePrice(pacer, 'a', 125);
  expect(pacer.costs.get('a')!.ratio * 125).toBeCloseTo(0.000125, 12);
});

test('savings are forgotten when a price has changed, announced or not; debts are not', () => {
  const changes: ((pacer: Pacer) => void)[] = [
    (pacer) => {
      observePrice(pacer, 'dear', 2);
    },
    (pacer) => {
      for (let i = 0; i < 3; i++) observeCost(pacer, 'dear', 0.1, 1, null);
    },
  ];
  for (const change of changes) {
    for (const [spentUsd, kept] of [
      [0, 0],
      [0.008, 1],
    ] as const) {
      const pacer = pacerWith(0.004);
      observePrice(pacer, 'dear', 1);
      for (let i = 0; i < 100; i++) observeCost(pacer, 'dear', 0.01, 1, null);
      for (let i = 0; i < 5; i++) observeSpending(pacer, spentUsd);
      const before = pacer.overspentUsd;
      change(pacer);
      expect(pacer.overspentUsd).toBeCloseTo(kept * before);
    }
  }
});

test('a drift offset counts at once', () => {
  const pacer = pacerWith(0.004);
  solvePrice(pacer, nothingBeside);
  const before = pacer.costPricePerUsd;
  solvePrice(pacer, { ...nothingBeside, offsetOf: (model) => (model === 'dear' ? -0.2 : 0) });
  expect(pacer.costPricePerUsd).toBeLessThan(before / 2);
});

test('guaranteed shares are paid for: the others get less', () => {
  const pacer = createPacer(0.004, 0.01);
  for (const [model, costUsd] of [
    ['cheap', 0.001],
    ['dear', 0.01],
    ['new', 0.02],
  ] as const)
    observeCost(pacer, model, costUsd, 1, null);
  for (let i = 0; i < 100; i++) {
    const models = ['cheap', 'dear', 'new'];
    const request = unjudged({ offset: i, features: null, models, qualityWeight: 1, perUsd: 0 });
    judgeAnew(request, ['cheap', 'dear'], valuesOf([0.6, 0.6 + 0.3 * (i / 100)]));
    remember(pacer, request);
  }
  solvePrice(pacer, nothingBeside);
  const ignored = pacer.costPricePerUsd;
  solvePrice(pacer, { ...nothingBeside, guaranteeOf: (model) => (model === 'new' ? newcomer : null) });
  expect(pacer.costPricePerUsd).toBeGreaterThan(ignored);
});

test('a request no policy has judged says nothing', () => {
  const pacer = createPacer(0.001, 0.01);
  observeCost(pacer, 'dear', 0.01, 1, null);
  remember(pacer, unjudged({ offset: 0, features: null, models: ['dear'], qualityWeight: 1, perUsd: 0 }));
  pacer.costPricePerUsd = 5;
  solvePrice(pacer, nothingBeside);
  expect(pacer.costPricePerUsd).toBe(0);
});

describe('what calls cost, when reports are wild', () => {
  /** The mean after reports of an outcome each, of a model thought to cost one nominal request before. */
  const meanAfter = (reports: readonly number[], pacer = createPacer(null, 0.01)): number => {
    for (const ratio of reports) observeCost(pacer, 'm', ratio, 1, pacer.costs.get('m')?.ratio ?? 1);
    return pacer.costs.get('m')!.ratio;
  };
  const times = (count: number, ratio: number): number[] => new Array<number>(count).fill(ratio);

  test('one moves what is expected by some times at first, and later by a little', () => {
    expect(meanAfter([1e9])).toBeLessThan(4);
    expect(meanAfter([...times(20, 1), 1e9])).toBeLessThan(1.5);
    expect(meanAfter([...times(500, 1), 1e9])).toBeLessThan(1.3);
  });

  test('a handful does not make a model a thousand times as dear, and true ones put it right again', () => {
    expect(meanAfter(times(5, 1e9))).toBeLessThan(50);
    expect(meanAfter([...times(100, 1), ...times(5, 1e9)])).toBeLessThan(50);
    expect(meanAfter([...times(100, 1), ...times(5, 1e9), ...times(3, 1)])).toBeLessThan(4);
  });

  test.each([5, 10, 100])(
    'a model that is %d times as dear as thought is known to be within tens of calls',
    (truth) => {
      expect(meanAfter(times(20, truth)) / truth).toBeGreaterThan(0.7);
      expect(meanAfter([...times(200, 1), ...times(20, truth)]) / truth).toBeGreaterThan(0.7);
    },
  );

  test('a first report of nothing, or of a model without a price, leaves nothing stuck', () => {
    expect(meanAfter([0, ...times(30, 1)])).toBeGreaterThan(0.8);
    const unpriced = createPacer(null, 0.01);
    for (let i = 0; i < 30; i++) observeCost(unpriced, 'm', 1, 1, unpriced.costs.get('m')?.ratio ?? 0);
    expect(unpriced.costs.get('m')!.ratio).toBeGreaterThan(0.6);
  });

  test('a correction is held against the mean as a report is', () => {
    const pacer = createPacer(null, 0.01);
    meanAfter(times(10, 1), pacer);
    correctCost(pacer, 'm', 1e9);
    expect(pacer.costs.get('m')!.ratio).toBeLessThan(1.6);
    correctCost(pacer, 'm', -1e9);
    expect(pacer.costs.get('m')!.ratio).toBe(0);
  });

  test('recorded costs are believed as they are', () => {
    const pacer = createPacer(null, 0.01);
    observeCost(pacer, 'm', 1, 1, null);
    observeCost(pacer, 'm', 99, 1, null);
    expect(pacer.costs.get('m')!.ratio).toBe(50);
  });
});
