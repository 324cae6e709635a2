import fc from 'fast-check';
import { checkEvent, mostCostUsd, mostLatencyMs, mostPriceFactor } from '../../../../lib/learning/fold/check-event';
import type { Learner } from '../../../../lib/learning/fold/learner';
import type { LearningEvent, Tuning } from '../../../../lib/topics/generated/messages';
import { callerFields, eventOf, newLearner, toyEvents, vectorEvents } from '../toy-world';

const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const faultOf = (change: Partial<LearningEvent>): string | null => checkEvent(eventOf(change)).fault;

test('an event without a fault is handed on as it came', () => {
  for (const event of toyEvents(20)) {
    const checked = checkEvent(event);
    expect(checked).toEqual({ fault: null, event });
    if (checked.fault === null) expect(checked.event).toBe(event);
  }
  expect(faultOf({ kind: 'CLOSED', model: null, quality: null })).toBeNull();
  expect(faultOf(callerFields([1, 2, 3]))).toBeNull();
  const full: Partial<LearningEvent> = { kind: 'FULL', model: null, propensities: [] };
  expect(faultOf({ ...full, fullQualities: [1, null, 0], fullCostsUsd: [0.1, null, 0] })).toBeNull();
});

test.each<[string, Partial<LearningEvent>]>([
  ['models', { models: [], eligible: [], propensities: [], expectedCostsUsd: [], priceFactors: [] }],
  ['models', { models: ['coder', 'coder', 'writer'] }],
  ['eligible', { eligible: [true] }],
  ['expectedCostsUsd', { expectedCostsUsd: [0.1] }],
  ['expectedCostsUsd', { expectedCostsUsd: [0.1, -1, 0] }],
  ['priceFactors', { priceFactors: [1, 0, 1] }],
  ['priceFactors', { priceFactors: [1, Number.POSITIVE_INFINITY, 1] }],
  ['propensities', { propensities: [0.5, 0.5] }],
  ['propensities', { propensities: [1.5, 0, 0] }],
  ['propensities', { propensities: [Number.NaN, 0, 0] }],
  ['model', { model: 'constructor' }],
  ['model', { model: null }],
  ['quality', { quality: Number.NaN }],
  ['costUsd', { costUsd: -1 }],
  ['latencyMs', { latencyMs: Number.POSITIVE_INFINITY }],
  ['strategyPropensities', { strategyPropensities: { RANDOM: Number.NaN } }],
  ['replaces.costUsd', { replaces: { quality: null, costUsd: Number.NaN } }],
  ['preference', { preference: { quality: 0, cost: 0, latency: 0 } }],
  ['preference', { preference: { quality: 1, cost: Number.NaN, latency: 0 } }],
  ['sketch', { sketch: Buffer.alloc(7) }],
  ['sketchScale', { sketchScale: Number.NaN }],
  ['handFeatures', { handFeatures: Buffer.alloc(12) }],
  ['handFeatures', { handFeatures: floats(...Array<number>(40).fill(Number.NaN)) }],
  ['callerFeatures', { callerFeatures: Buffer.alloc(0) }],
  ['callerFeatures', { callerFeatures: floats(1, Number.POSITIVE_INFINITY) }],
  ['contextFeatures', { contextFeatures: Buffer.alloc(5) }],
  ['fullQualities', { kind: 'FULL', model: null, fullQualities: [1] }],
  ['fullQualities', { kind: 'FULL', model: null, fullQualities: [1, 7, 0], fullCostsUsd: [null, null, null] }],
])('a fault of %s is named', (field, change) => {
  expect(faultOf(change)).toMatch(new RegExp(`^${field.replace('.', '\\.')}: `));
});

test('numbers nobody can mean are cut to what somebody could', () => {
  const change = { costUsd: 9e15, latencyMs: 9e15, expectedCostsUsd: [1e308, 0, 1], priceFactors: [1e308, 5e-324, 1] };
  const checked = checkEvent(eventOf(change));
  expect(checked).toMatchObject({
    fault: null,
    event: { costUsd: mostCostUsd, latencyMs: mostLatencyMs, expectedCostsUsd: [mostCostUsd, 0, 1] },
  });
  if (checked.fault === null) expect(checked.event.priceFactors[0]).toBe(mostPriceFactor);
});

const extreme = fc.constantFrom(0, 5e-324, 1e-300, 1e-9, 1, 1e9, 1e300, 1e308, Number.MAX_VALUE);
const positive = extreme.filter((value) => value > 0);
const three = (value: fc.Arbitrary<number>): fc.Arbitrary<number[]> => fc.tuple(value, value, value);

/** Folds what passes the door, and returns what was published last. */
function foldAll(learner: Learner, events: readonly LearningEvent[]): Tuning | null {
  let tuning: Tuning | null = null;
  events.forEach((event, offset) => {
    const checked = checkEvent(event);
    if (checked.fault !== null) return;
    for (const output of learner.apply(checked.event, offset)) if (output.kind === 'tuning') tuning = output.tuning;
  });
  return tuning;
}

test('whatever valid numbers events hold, what is learned stays finite', async () => {
  const changed = fc.record({
    costUsd: fc.option(extreme),
    latencyMs: fc.option(extreme),
    expectedCostsUsd: three(extreme),
    priceFactors: three(positive),
    preference: fc.record({ quality: positive, cost: extreme, latency: extreme }),
    strategyPropensities: fc.constant({ RANDOM: 1, LEARNING_OPTIMIZED: 0.5 }),
  });
  const plain = vectorEvents(60);
  await fc.assert(
    fc.asyncProperty(
      fc.array(changed, { minLength: 30, maxLength: 30 }),
      fc.option(positive),
      fc.record({ costUsd: positive, latencyMs: positive }),
      async (changes, budgetUsdPerRequest, utilityScale) => {
        const learner = await newLearner({ budgetUsdPerRequest, utilityScale });
        const events = plain.map((event, i) => ({ ...event, ...(i % 2 === 0 ? changes[i / 2]! : {}) }));
        const tuning = foldAll(learner, events)!;
        const numbers = [
          tuning.costPricePerUsd,
          ...Object.values(tuning.costRatios),
          ...Object.values(tuning.driftOffsets),
          ...Object.values(tuning.strategyWeights),
        ];
        expect(numbers.every(Number.isFinite)).toBe(true);
        learner.checkpoint();
        learner.dispose();
      },
    ),
    { numRuns: 3, seed: 1 },
  );
});

test('names that every object inherits are learned like any others, also after a restart', async () => {
  const models = ['__proto__', 'constructor', 'toString'];
  const sources = ['hasOwnProperty', '__proto__', 'constructor'];
  const rename = (names: readonly string[], from: readonly string[]) =>
    vectorEvents(60, 1, from).map((event, i) => ({
      ...event,
      models: [...names],
      model: names[from.indexOf(event.model!)]!,
      source: sources[i % 3]!,
    }));
  const plainModels = ['coder', 'writer', 'dunce'];
  const inherited = await newLearner();
  const plain = await newLearner();
  const tuning = foldAll(inherited, rename(models, plainModels))!;
  const wanted = foldAll(plain, rename(plainModels, plainModels))!;
  const inOrder = (table: Record<string, number>, names: readonly string[]): (number | undefined)[] =>
    names.map((name) => Object.getOwnPropertyDescriptor(table, name)?.value);
  expect(inOrder(tuning.costRatios, models)).toEqual(inOrder(wanted.costRatios, plainModels));
  expect(inOrder(tuning.costRatios, models)).not.toContain(undefined);
  expect(inOrder(tuning.driftOffsets, models)).toEqual(inOrder(wanted.driftOffsets, plainModels));
  const saved = inherited.checkpoint();
  const restored = await newLearner({ checkpoint: saved });
  expect(restored.checkpoint().equals(saved)).toBe(true);
  for (const learner of [inherited, plain, restored]) learner.dispose();
});
