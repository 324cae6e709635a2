import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import {
  callerFields,
  eventOf,
  type Followed,
  follow,
  learningConfig,
  newLearner,
  noTuning,
  openedOf,
} from './toy-world';

const models = ['saver', 'spender'];
const start = callerFields([1, 0, 0]);
const rich = callerFields([0, 1, 0]);
const poor = callerFields([0, 0, 1]);

/**
 * Sessions of two requests. At first both models are equally good; after the saver the second request can be served well,
 * after the spender badly.
 */
function sessions(count: number): LearningEvent[] {
  const random = seededRandom(3, 'sessions');
  return Array.from({ length: count }, (_, i) => {
    const first = models[random.integer(2)]!;
    const sessionId = `s${i}`;
    const saved = first === 'saver';
    return [
      { ...start, model: first, quality: 0.5 + 0.1 * (random.next() - 0.5), openedAtMs: 10 * i },
      {
        ...(saved ? rich : poor),
        model: models[random.integer(2)]!,
        quality: saved ? 0.9 : 0.1,
        openedAtMs: 10 * i + 5,
      },
    ].map((fields, k) => eventOf({ sessionId, decisionId: `d${i}.${k}`, ...fields }, models));
  }).flat();
}

const judged = ({ policy, tuning }: Followed, fields: ReturnType<typeof callerFields>) =>
  policy!.judge(openedOf({ ...fields, tuning: tuning ?? noTuning }, models));
const dqn = (sessionDiscount: number) => ({ ...learningConfig, pipeline: 'dqn' as const, sessionDiscount });

test('with a discount a request is worth what it leaves to the next one of its session', async () => {
  const learner = await newLearner({ config: dqn(1) });
  const followed = follow(learner, sessions(250));
  const { qualities, probabilities } = judged(followed, start);
  // In truth .9 against .1, on top of .5 less the mean of .5.
  expect(qualities[0]! - qualities[1]!).toBeGreaterThan(0.4);
  expect(probabilities[0]).toBeCloseTo(1, 9);
  // The last request of a session is worth its own reward.
  expect(judged(followed, rich).qualities[0]).toBeGreaterThan(0.75);
  expect(judged(followed, poor).qualities[0]).toBeLessThan(0.25);
  // What was expected of the first request alone is no drift.
  for (const offset of Object.values(followed.tuning.driftOffsets)) expect(Math.abs(offset)).toBeLessThan(0.1);
  learner.dispose();
});

test('without one every request is judged alone, and a session changes not a byte', async () => {
  const events = sessions(80);
  const [with_, without] = [await newLearner({ config: dqn(0) }), await newLearner({ config: dqn(0) })];
  const followed = follow(with_, events);
  const { qualities } = judged(followed, start);
  expect(Math.abs(qualities[0]! - qualities[1]!)).toBeLessThan(0.15);
  const alone = follow(
    without,
    events.map((event) => ({ ...event, sessionId: null })),
  );
  expect(alone.policyBytes!.equals(followed.policyBytes!)).toBe(true);
  expect(without.checkpoint().equals(with_.checkpoint())).toBe(true);
  with_.dispose();
  without.dispose();
});

test('restored in the middle of sessions it looks ahead as before, to the byte', async () => {
  const events = sessions(70);
  const cut = 91;
  const options = { config: { ...dqn(0.9), replayRows: 60 } };
  const straight = await newLearner(options);
  follow(straight, events.slice(0, cut));
  const restored = await newLearner({ ...options, checkpoint: straight.checkpoint() });
  for (let i = restored.replayFromOffset; i < cut; i++) restored.reload(events[i]!, i);
  follow(straight, events.slice(cut), cut);
  follow(restored, events.slice(cut), cut);
  expect(restored.checkpoint().equals(straight.checkpoint())).toBe(true);
  straight.dispose();
  restored.dispose();
});
