/** One set of weights, many preferences: quality and cost have heads of their own, so that a changed wish needs no training. */
import type { Preference, RouteOpened } from '../../../lib/topics/generated/messages';
import { callerFields, type Followed, follow, newLearner, openedOf } from './toy-world';
import { wishCostUsd, wishEvents, wishModels } from './wish-world';

let learned: Followed;
beforeAll(async () => {
  const learner = await newLearner();
  learned = follow(learner, wishEvents(300));
  learner.dispose();
});

/** Probability of the thorough model, by the same policy and tuning each time. */
function thorough(x: number, preference: Preference, change: Partial<RouteOpened> = {}): number {
  const utilityScale = { costUsd: 0.001, latencyMs: 10_000 };
  const opened = openedOf(
    { ...callerFields([x, 0]), tuning: learned.tuning, preference, utilityScale, ...change },
    wishModels,
  );
  return learned.policy!.judge(opened).probabilities[0]!;
}

test('quality alone takes the better model everywhere', () => {
  expect(thorough(1, { quality: 1, cost: 0, latency: 0 })).toBeGreaterThan(0.9);
  expect(thorough(-1, { quality: 1, cost: 0, latency: 0 })).toBeGreaterThan(0.9);
});

test('a wish for low cost takes the cheap model just where the cost head says that the better one is dear', () => {
  // .25 of quality are worth .25 * .7; .002 USD cost 2 * .3 on a scale of .001 USD.
  expect(thorough(1, { quality: 0.7, cost: 0.3, latency: 0 })).toBeLessThan(0.1);
  expect(thorough(-1, { quality: 0.7, cost: 0.3, latency: 0 })).toBeGreaterThan(0.9);
});

test('so does a price on cost that only a budget has set, and a scale that makes money small takes it back', () => {
  const qualityAlone = { quality: 1, cost: 0, latency: 0 };
  const priced = { tuning: { ...learned.tuning, costPricePerUsd: 500 } };
  expect(thorough(1, qualityAlone, priced)).toBeLessThan(0.1);
  expect(thorough(-1, qualityAlone, priced)).toBeGreaterThan(0.9);
  const preference = { quality: 0.7, cost: 0.3, latency: 0 };
  expect(thorough(1, preference, { utilityScale: { costUsd: 1, latencyMs: 10_000 } })).toBeGreaterThan(0.9);
});

test('the estimated costs behind it are the observed ones', () => {
  const preference = { quality: 0, cost: 1, latency: 0 };
  const utilities = (x: number) =>
    learned.policy!.judge(
      openedOf(
        {
          ...callerFields([x, 0]),
          tuning: learned.tuning,
          preference,
          utilityScale: { costUsd: 1, latencyMs: 10_000 },
        },
        wishModels,
      ),
    ).utilities;
  for (const x of [1, -1]) {
    for (const [i, model] of wishModels.entries())
      expect(Math.abs(-utilities(x)[i]! - wishCostUsd(model, x))).toBeLessThan(0.0004);
  }
});

test('a wish for speed takes the faster one', () => {
  const candidate = (model: string) => ({ expectedLatencyMs: model === 'thorough' ? 9_000 : 1_000 });
  const preference = { quality: 0.5, cost: 0, latency: 0.5 };
  const opened = openedOf({ ...callerFields([-1, 0]), tuning: learned.tuning, preference }, wishModels, candidate);
  expect(learned.policy!.judge(opened).probabilities[0]).toBeLessThan(0.1);
});
