import fc from 'fast-check';
import { confidenceCurve, createConfidence, observeConfidence } from '../../../../lib/learning/fold/confidence';
import { seededRandom } from '../../../../lib/random/seeded';
import { calibrateConfidence } from '../../../../lib/routing/decide/calibrate-confidence';
import { eventOf, newLearner } from '../toy-world';

test('threads that are too sure are brought down to what their confidence is worth, and what is sure stays ahead', () => {
  const confidence = createConfidence();
  const random = seededRandom(1, 'confidence');
  const worth = (raw: number): number => 0.4 + 0.3 * raw;
  for (let i = 0; i < 4_000; i++) {
    const raw = random.next();
    observeConfidence(confidence, raw, random.next() < worth(raw));
  }
  const curve = confidenceCurve(confidence);
  for (const raw of [0.1, 0.5, 0.9]) expect(Math.abs(calibrateConfidence(curve, raw) - worth(raw))).toBeLessThan(0.06);
});

test('little is no curve, and what is no confidence is not counted', () => {
  const confidence = createConfidence();
  for (let i = 0; i < 5; i++) observeConfidence(confidence, 0.5, true);
  expect(confidenceCurve(confidence)).toEqual([]);
  for (const broken of [Number.NaN, -0.1, 1.1])
    for (let i = 0; i < 50; i++) observeConfidence(confidence, broken, true);
  expect(confidenceCurve(confidence)).toEqual([]);
  observeConfidence(confidence, 1, false);
  expect(confidenceCurve(confidence)).toHaveLength(10);
});

test('whatever was judged, the curve never falls and stays within 0..1, and so does what is read off it', () => {
  const judged = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), {
    minLength: 60,
    maxLength: 200,
  });
  const read = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(judged, read, (all, [a, b]) => {
      const confidence = createConfidence();
      for (const [raw, isGood] of all) observeConfidence(confidence, raw, isGood);
      const curve = confidenceCurve(confidence);
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map((raw) => calibrateConfidence(curve, raw));
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(high! - low!).toBeGreaterThanOrEqual(-1e-12);
    }),
  );
});

test('the fold learns it from judged decisions alone, and a restart keeps it', async () => {
  const learner = await newLearner();
  const stated = { confidence: 0.95, bestQuality: 0.6 };
  const judged = Array.from({ length: 80 }, (_, i) => eventOf({ quality: i % 2, stated, propensities: [1, 0, 0] }));
  const silent = [
    eventOf({ quality: 1, stated, provisional: true }),
    eventOf({ quality: 1, stated, degraded: true }),
    eventOf({ quality: null, stated, kind: 'CLOSED' }),
    eventOf({ quality: 1, stated: null }),
  ];
  const published = [...judged, ...silent, ...judged.slice(0, 8)].flatMap((event, offset) =>
    learner.apply({ ...event, eventId: `e${offset}`, decisionId: `d${offset}` }, offset),
  );
  const curve = published
    .flatMap((output) => (output.kind === 'tuning' ? [output.tuning.confidenceCurve] : []))
    .at(-1)!;
  expect(calibrateConfidence(curve, 0.95)).toBeCloseTo(0.5, 2);
  const restored = await newLearner({ checkpoint: learner.checkpoint() });
  expect(restored.checkpoint().equals(learner.checkpoint())).toBe(true);
  for (const one of [learner, restored]) one.dispose();
});
