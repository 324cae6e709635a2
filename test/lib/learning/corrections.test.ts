/** A correction changes the weights as if it had come first: the learner that was told wrong, and the one told right at once. */
import { sha256Of } from '../../../lib/learning/fold/blob';
import { seededRandom } from '../../../lib/random/seeded';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import {
  asVector,
  eventOf,
  type Followed,
  follow,
  learningConfig,
  newLearner,
  openedOf,
  toyModels,
  vectorEvents,
} from './toy-world';

/** What is said later of an earlier event. */
function correctionOf(event: LearningEvent, change: Partial<LearningEvent>): LearningEvent {
  const replaces = { quality: event.quality, costUsd: event.costUsd };
  return { ...event, revision: 1, replaces, ...change };
}

/** Published quality of every model on fresh prompts, by the linear half and without drift: what a correction promises. */
function qualitiesOf({ policy, tuning }: Followed): number[] {
  const random = seededRandom(8, 'probe');
  const linearAlone = { ...tuning, neuralWeight: 0, driftOffsets: {} };
  return Array.from({ length: 30 }, (_, i) => {
    const features = asVector(i % 2 ? 'code' : 'prose', random);
    return policy!.judge(openedOf({ ...features, tuning: linearAlone })).qualities;
  }).flat();
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);

/** So many rewards are wrong at first, of `total`; each log has as many events, so that all draw the same random numbers. */
async function distancesOf(seed: number, wrongRewards: number, { total, more }: { total: number; more: number }) {
  const random = seededRandom(seed, 'which');
  const right = vectorEvents(total, seed);
  const wrongAt = new Set<number>();
  while (wrongAt.size < wrongRewards) wrongAt.add(random.integer(total));
  const wrong = right.map((event, i) => (wrongAt.has(i) ? { ...event, quality: 1 - event.quality! } : event));
  const fresh = vectorEvents(more, seed + 100).map((event, i) => ({ ...event, decisionId: `m${i}` }));
  const learned = async (events: readonly LearningEvent[], truth: readonly LearningEvent[]): Promise<Followed> => {
    const repeated = [...wrongAt].map((i) => correctionOf(events[i]!, { quality: truth[i]!.quality }));
    const log = [...events, ...repeated, ...fresh.slice(0, -1)];
    const learner = await newLearner();
    const before = follow(learner, log);
    // The last event publishes, whatever it is.
    const config = { ...learningConfig, publish: 'lockstep' as const };
    const publishing = await newLearner({ config, checkpoint: learner.checkpoint() });
    for (const [i, event] of log.entries()) publishing.reload(event, i);
    const after = follow(publishing, fresh.slice(-1), log.length, before.basis);
    for (const one of [learner, publishing]) one.dispose();
    return after;
  };
  const [first, corrected, uncorrected] = [
    await learned(right, right),
    await learned(wrong, right),
    await learned(wrong, wrong),
  ];
  const truth = qualitiesOf(first);
  return {
    corrected: distance(qualitiesOf(corrected), truth),
    wrong: distance(qualitiesOf(uncorrected), truth),
    sameChoice: precisionOf(first) === precisionOf(uncorrected),
  };
}

/** The prior precision that the last refit has chosen by the rewards it saw. */
function precisionOf({ outputs }: Followed): number {
  const policy = outputs.filter((output) => output.kind === 'policy').at(-1)!;
  return policy.published.metrics['precision']!;
}

test('at once, unless a wrong reward has tipped what the last refit chose', async () => {
  const left: number[] = [];
  // Refits come at 24, 56, 88 and 120 rewards.
  for (const [seed, wrongRewards] of [
    [2, 1],
    [12, 4],
  ] as const) {
    const { corrected, wrong, sameChoice } = await distancesOf(seed, wrongRewards, { total: 130, more: 1 });
    expect(wrong).toBeGreaterThan(5e-3);
    if (sameChoice) left.push(corrected / wrong);
  }
  expect(left.length).toBeGreaterThan(0);
  expect(Math.min(...left)).toBeLessThan(0.2);
  expect(Math.max(...left)).toBeLessThan(0.4);
});

test('whatever was wrong, all but exactly at the next refit', async () => {
  const { corrected, wrong } = await distancesOf(5, 12, { total: 110, more: 60 });
  expect(corrected).toBeLessThan(0.1 * wrong);
});

describe('what is counted once', () => {
  const budgetUsdPerRequest = 0.003;
  /** Every event again with the same quality and `costUsd`, as a report of the bill. */
  const billed = (events: readonly LearningEvent[], costUsd: (event: LearningEvent) => number): LearningEvent[] =>
    events.map((event) => correctionOf(event, { costUsd: costUsd(event) }));

  test('a confirmation changes nothing that is published but the number of events', async () => {
    // A tuning comes every eighth event.
    const events = vectorEvents(64);
    const learners = [await newLearner({ budgetUsdPerRequest }), await newLearner({ budgetUsdPerRequest })];
    const plain = follow(learners[0]!, events);
    const confirmed = follow(learners[1]!, [...events, ...billed(events.slice(0, 8), (event) => event.costUsd!)]);
    expect(learners[1]!.learnedRewards).toBe(64);
    expect(confirmed.tuning.version).toBe(plain.tuning.version + 1);
    expect(confirmed.tuning.costRatios).toEqual(plain.tuning.costRatios);
    expect(confirmed.tuning.strategyWeights).toEqual(plain.tuning.strategyWeights);
    for (const learner of learners) learner.dispose();
  });

  test('a corrected cost changes the cost means and what was spent as if it had come first', async () => {
    const real = (event: LearningEvent): number => (event.model === 'coder' ? 0.01 : 0.001);
    const events = vectorEvents(60).map((event) => ({ ...event, costUsd: real(event) }));
    // First estimates at a third of the price, or none at all; the bill comes later.
    const estimated = events.map((event, i) => ({ ...event, costUsd: i % 2 ? real(event) / 3 : null }));
    const priceOf = async (log: readonly LearningEvent[]) => {
      const learner = await newLearner({ budgetUsdPerRequest });
      const { tuning } = follow(learner, log);
      learner.dispose();
      return tuning;
    };
    const right = await priceOf([...events, ...billed(events.slice(-4), real)]);
    const corrected = await priceOf([...estimated, ...billed(estimated, real)]);
    for (const model of toyModels) expect(corrected.costRatios[model]).toBeCloseTo(right.costRatios[model]!, 3);
    const uncorrected = await priceOf(estimated);
    expect(uncorrected.costRatios['coder']).toBeLessThan(0.006);
  });

  test('a call that closes without a judgement after its cost was reported is not spent twice', async () => {
    const spent = async (replaces: LearningEvent['replaces']): Promise<number> => {
      const learner = await newLearner({ budgetUsdPerRequest });
      const judged = vectorEvents(40);
      const unjudged = vectorEvents(40, 2).flatMap((event, i): LearningEvent[] => {
        const expectedCostsUsd = toyModels.map(() => 0.01);
        const call = { ...event, decisionId: `u${i}`, quality: null, costUsd: 0.001, expectedCostsUsd };
        return [call, { ...call, kind: 'CLOSED', costUsd: null, replaces }];
      });
      const { tuning } = follow(learner, [...judged, ...unjudged]);
      learner.dispose();
      return tuning.costPricePerUsd;
    };
    // A third of the budget when counted once; counted again at what was expected, it is overspent and makes cost dear.
    expect(await spent({ quality: null, costUsd: 0.001 })).toBeLessThan(await spent(null));
  });
});

test('a judgement that the replay has forgotten cannot be taken back, and is no second reward', async () => {
  const learner = await newLearner({ config: { ...learningConfig, replayRows: 30 } });
  const events = vectorEvents(60);
  follow(learner, events);
  learner.apply(correctionOf(events[0]!, { quality: 0 }), 60);
  expect(learner.learnedRewards).toBe(60);
  // Without an earlier judgement in the log a revision is the first one.
  learner.apply({ ...correctionOf(events[0]!, { quality: 0 }), replaces: null }, 61);
  expect(learner.learnedRewards).toBe(61);
  learner.dispose();
});

test.each(['full', 'dqn'] as const)(
  'pipeline %s: restored around corrections it goes on to the byte',
  async (pipeline) => {
    const config = { ...learningConfig, pipeline };
    const events = vectorEvents(120);
    const corrections = events
      .slice(60, 100)
      .map((event, i) => correctionOf(event, { quality: 1 - event.quality!, costUsd: i % 2 ? 0.02 : null }));
    const log = [...events, ...corrections];
    const straight = await newLearner({ config });
    follow(straight, log);
    const stopped = await newLearner({ config });
    follow(stopped, log.slice(0, 140));
    const restored = await newLearner({ config, checkpoint: stopped.checkpoint() });
    for (let i = restored.replayFromOffset; i < 140; i++) restored.reload(log[i]!, i);
    follow(restored, log.slice(140), 140);
    expect(sha256Of(restored.checkpoint())).toBe(sha256Of(straight.checkpoint()));
    for (const learner of [straight, stopped, restored]) learner.dispose();
  },
);

test('a correction in the cold start is simply the reward', async () => {
  const learner = await newLearner();
  learner.apply(eventOf({ decisionId: 'x', quality: 1, costUsd: 0.1 }), 0);
  learner.apply(
    eventOf({ decisionId: 'x', quality: 0, costUsd: 0.2, revision: 1, replaces: { quality: 1, costUsd: 0.1 } }),
    1,
  );
  expect(learner.learnedRewards).toBe(1);
  learner.dispose();
});
