/** Outcomes of every kind on their way through the real service into the learner: what each does to the weights. */
import { parsePolicy } from '../../../lib/learning/value/policy';
import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent, RouteOpened, RouteOutcome } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import {
  asVector,
  follow,
  learningConfig,
  newLearner,
  openedOf,
  type ToyTask,
  toyQuality,
} from '../../lib/learning/toy-world';
import { createWorld } from '../one-service';
import { decided, opened, outcome } from './records';

const windowMs = 60_000;
const models = ['coder', 'writer', 'dunce'];
const decisions = 130;
/** Decision that the kinds of outcomes are about. Behind the last refit (at 120): what that chose, no correction changes. */
const chosen = 'r124';

interface Route {
  readonly id: string;
  readonly opened: RouteOpened;
  readonly model: string;
  readonly quality: number;
}

function routes(): Route[] {
  const random = seededRandom(4, 'routes');
  return Array.from({ length: decisions }, (_, i) => {
    const task: ToyTask = i % 2 === 0 ? 'code' : 'prose';
    const record = opened(`r${i}`);
    const candidates = record.candidates.map((candidate, j) => ({ ...candidate, model: models[j]!, eligible: true }));
    const model = models[Math.floor(i / 2) % 3]!;
    const quality = random.next() < toyQuality(task, model) ? 1 : 0;
    const features = asVector(task, random);
    return { id: `r${i}`, opened: { ...record, ...features, encoderVersion: 'sketch-1', candidates }, model, quality };
  });
}

type Reports = (route: Route, report: (change?: Partial<RouteOutcome>) => RouteOutcome) => RouteOutcome[];

/** All routes with one outcome each, but for `chosen`, which gets `reports`; the last of them after all else. */
async function learningEvents(reports: Reports): Promise<LearningEvent[]> {
  const world = await createWorld({ partitions: 1 });
  await world.start(createRewardFeedback({ windowMs, maxAwaited: 1_000, metrics: world.metrics }));
  const later: RouteOutcome[] = [];
  for (const route of routes()) {
    const { id, model, quality } = route;
    const whole = decided(id);
    const candidates = whole.candidates.map((candidate, j) => ({
      ...candidate,
      model: models[j]!,
      eligible: true,
      propensity: 1 / 3,
    }));
    await world.send(topics.routeOpened, [route.opened]);
    await world.send(topics.routeDecided, [{ ...whole, model, candidates }]);
    const report = (change: Partial<RouteOutcome> = {}) => outcome(id, { model, quality, ...change });
    if (id !== chosen) await world.send(topics.routeOutcome, [report()]);
    else {
      const [first, ...rest] = reports(route, report);
      if (first) await world.send(topics.routeOutcome, [first]);
      later.push(...rest);
    }
  }
  await world.send(topics.routeOutcome, later);
  await world.clock.advanceBy(2 * windowMs);
  return world.out(topics.learningEvents);
}

interface Learned {
  readonly events: readonly LearningEvent[];
  /** Expected quality of each model on fresh prompts, by the linear half. */
  readonly qualities: readonly number[];
}

async function learn(reports: Reports): Promise<Learned> {
  const events = await learningEvents(reports);
  const learner = await newLearner();
  const followed = follow(learner, events);
  // The policy at the end of the log, whenever the last step was: the next reward publishes it under lockstep.
  const lockstep = await newLearner({
    checkpoint: learner.checkpoint(),
    config: { ...learningConfig, publish: 'lockstep' },
  });
  const from = lockstep.replayFromOffset;
  for (const [i, event] of events.slice(from).entries()) lockstep.reload(event, from + i);
  const last = { ...events[0]!, eventId: 'last', decisionId: 'last', replaces: null, revision: 0, quality: 0.5 };
  const published = lockstep.apply(last, 10_000).find((output) => output.kind === 'policy');
  if (published?.kind !== 'policy') throw new Error('no policy');
  const { basis } = followed;
  const policy = parsePolicy(published.basis ?? basis!, published.policy, published);
  const random = seededRandom(9, 'prompts');
  const qualities = Array.from({ length: 20 }, (_, i) => {
    const tuning = { ...followed.tuning, neuralWeight: 0, driftOffsets: {} };
    const features = asVector(i % 2 ? 'code' : 'prose', random);
    return policy.judge(openedOf({ ...features, tuning }, models)).qualities;
  }).flat();
  lockstep.dispose();
  learner.dispose();
  return { events, qualities };
}

const distance = (a: Learned, b: Learned): number =>
  Math.sqrt(a.qualities.reduce((sum, value, i) => sum + (value - b.qualities[i]!) ** 2, 0) / a.qualities.length);

/** A second report with nothing new, so that all logs have as many events and draw the same random numbers. */
let right: Learned;
let wrong: Learned;
beforeAll(async () => {
  right = await learn((_, report) => [report({ quality: 1 }), report({ revision: 1, quality: 1 })]);
  wrong = await learn((_, report) => [report({ quality: 0 }), report({ revision: 1, quality: 0 })]);
});

test('what one outcome says can be seen in the weights', () => {
  expect(distance(right, wrong)).toBeGreaterThan(1e-3);
});

test.each<[string, Reports]>([
  ['a correction', (_, report) => [report({ quality: 0 }), report({ revision: 1, quality: 1 })]],
  [
    'a final judgement after a provisional one',
    (_, report) => [report({ quality: 0, provisional: true }), report({ revision: 3, quality: 1 })],
  ],
  [
    'a correction, an older one behind it, a repetition and a contradiction',
    (_, report) => [
      report({ quality: 0 }),
      report({ revision: 2, quality: 1 }),
      report({ revision: 1, quality: 0 }),
      report({ revision: 2, quality: 1 }),
      report({ revision: 2, quality: 0.3 }),
    ],
  ],
  [
    'a judgement after its cost, both as revision 0',
    (_, report) => [report({ quality: null }), report({ quality: 1, costUsd: null, latencyMs: null })],
  ],
  [
    'a cost after its judgement, both as revision 0',
    (_, report) => [report({ quality: 1, costUsd: null, latencyMs: null }), report({ quality: null })],
  ],
  [
    'a failure that was none',
    (_, report) => [report({ status: 'FAILURE', quality: null }), report({ revision: 1, quality: 1 })],
  ],
])('%s changes the weights as if it had come first', async (_, reports) => {
  const corrected = await learn(reports);
  expect(corrected.events).toHaveLength(right.events.length);
  expect(distance(corrected, right)).toBeLessThan(0.1 * distance(wrong, right));
});

test.each<[string, Reports, string, number | null]>([
  ['missing', () => [], 'CLOSED', null],
  [
    'cancelled, without a judgement',
    (_, report) => [report({ status: 'CANCELLED', quality: null })],
    'EXPERIENCE',
    null,
  ],
  ['rate limited', (_, report) => [report({ status: 'RATE_LIMITED', quality: 1 })], 'EXPERIENCE', null],
  ['a failure', (_, report) => [report({ status: 'FAILURE', quality: null })], 'EXPERIENCE', 0],
  ['a timeout', (_, report) => [report({ status: 'TIMEOUT', quality: null })], 'EXPERIENCE', 0],
])('an outcome that is %s', async (_, reports, kind, quality) => {
  const events = await learningEvents(reports);
  const about = events.filter(({ decisionId }) => decisionId === chosen);
  expect(about[0]).toMatchObject({ kind, quality });
  const learner = await newLearner();
  follow(learner, about);
  // Missing is not 0: it is no reward at all. A failure is one of 0.
  expect(learner.learnedRewards).toBe(quality === null ? 0 : 1);
  learner.dispose();
});
