/** A trial of policies the real fold has made: one that learned the toy world, one that learned its opposite. */
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { createFold } from '../../../services/dqn-trainer/fold/create-fold';
import { type Fold, foldSettingsOf } from '../../../services/dqn-trainer/fold/fold';
import type { FoldBatch } from '../../../services/dqn-trainer/fold/fold-settings';
import { looks, type PolicyBlobs, Trial, type TrialSetup } from '../../../services/dqn-trainer/trial';
import { withTrial } from '../../../services/dqn-trainer/with-trial';
import { learningEvent, learningEvents, models } from './records';

const settings = foldSettingsOf(defaultRouterConfig(models.map((name) => ({ name, provider: 'acme' }))));
const rows = (from: number, to: number): FoldBatch =>
  learningEvents(from, to).map((event, i) => ({ event, offset: from + i }));

async function policyOf(batch: FoldBatch): Promise<PolicyBlobs> {
  const fold = await createFold('inline')(settings, null);
  const { outputs } = await fold.apply(batch);
  await fold.close();
  let basis: Buffer | null = null;
  let newest: PolicyBlobs | null = null;
  for (const output of outputs) {
    if (output.kind !== 'policy') continue;
    basis = output.basis ?? basis;
    const { policy, policySha256, basisSha256 } = output;
    newest = { policy, policySha256, basis: basis!, basisSha256 };
  }
  return newest!;
}

let good: PolicyBlobs;
let bad: PolicyBlobs;
beforeAll(async () => {
  good = await policyOf(rows(0, 200));
  bad = await policyOf(
    rows(0, 200).map(({ event, offset }) => ({ offset, event: { ...event, quality: 1 - event.quality! } })),
  );
});

const tuning = {
  version: 1,
  learnedRewards: 200,
  costPricePerUsd: 0,
  costRatios: {},
  priceFactors: {},
  driftOffsets: {},
  neuralWeight: 0,
  strategyWeights: {},
  eventOffset: 200,
  regretAllowance: null,
  regretLeft: null,
  countedToMs: 0,
  requestGapMs: 0,
  setGaps: {},
  strategyFactors: {},
  confidenceCurve: [],
};
const trialOf = (candidate: PolicyBlobs, current: PolicyBlobs, change: Partial<TrialSetup> = {}) =>
  new Trial({ candidate, current, fromOffset: 200, tuning, ...change }, settings);

test('the better one passes at the first look, the worse one is known to be worse', () => {
  const upward = trialOf(good, bad);
  upward.add(rows(200, 399));
  expect(upward.dueVerdict()).toBeNull();
  upward.add(rows(399, 400));
  const verdict = upward.dueVerdict()!;
  expect(verdict).toMatchObject({ verdict: 'promote', isLast: false });
  expect(verdict.figures).toMatchObject({ decisions: looks[0], judged: looks[0] });
  expect(verdict.figures['low']).toBeGreaterThan(0.2);
  // Asked once per look.
  upward.add(rows(400, 410));
  expect(upward.dueVerdict()).toBeNull();

  const downward = trialOf(bad, good);
  downward.add(rows(200, 400));
  expect(downward.dueVerdict()).toMatchObject({ verdict: 'keep', isWorse: true });
});

test('the same policy twice differs by nothing', () => {
  const trial = trialOf(good, good);
  trial.add(rows(200, 400));
  const verdict = trial.judge();
  expect(verdict.verdict).toBe('promote');
  expect(verdict.figures['difference']).toBeCloseTo(0, 12);
});

test('what the candidate has seen, what was not drawn and what is degraded is no evidence', () => {
  const trial = trialOf(good, bad);
  trial.add(rows(0, 200));
  const event = learningEvent(300);
  trial.add([
    { offset: 300, event: { ...event, kind: 'FULL', propensities: [] } },
    { offset: 301, event: { ...event, degraded: true } },
    { offset: 302, event: { ...event, encoderVersion: 'old', callerFeatures: null } },
    { offset: 303, event: { ...event, eligible: [false, false] } },
  ]);
  expect(trial.judge()).toMatchObject({ verdict: 'refuse', figures: { decisions: 0 } });
  // A correction is the same decision.
  trial.add([
    { offset: 304, event },
    { offset: 305, event: { ...event, revision: 1, quality: 0 } },
  ]);
  expect(trial.judge().figures['decisions']).toBe(1);
});

test('without support it is refused, not guessed', () => {
  const trial = trialOf(good, bad);
  // Only alpha could ever be drawn.
  trial.add(
    rows(200, 400).map(({ event, offset }) => ({
      offset,
      event: { ...event, model: 'alpha', propensities: [1, 0] },
    })),
  );
  expect(trial.dueVerdict()).toMatchObject({
    verdict: 'refuse',
    reason: expect.stringContaining('could not be drawn'),
  });
});

test('cost counts at the price of the budget, and the preference of the request', () => {
  // Bravo costs a hundred times as much; at this price its quality is not worth it.
  const dear = rows(200, 400).map(({ event, offset }) => ({
    offset,
    event: { ...event, costUsd: event.model === 'bravo' ? 0.1 : 0.001, expectedCostsUsd: [0.001, 0.1] },
  }));
  const priced = { ...tuning, costPricePerUsd: 100, costRatios: { alpha: 0.1, bravo: 5 } };
  const careful = trialOf(good, good, { tuning: priced });
  careful.add(dear);
  const free = trialOf(good, good);
  free.add(dear);
  expect(careful.judge().figures['candidate']).toBeLessThan(free.judge().figures['candidate']!);
});

test('gathers no more than the last look needs', () => {
  const trial = trialOf(good, bad);
  const last = looks.at(-1)!;
  const event = learningEvent(300);
  trial.add(
    Array.from({ length: last + 50 }, (_, i) => ({
      offset: 200 + i,
      event: { ...event, decisionId: `d${i}`, callerFeatures: event.callerFeatures },
    })),
  );
  expect(trial.dueVerdict()).toMatchObject({ isLast: true, figures: { decisions: last } });
});

test('what is wrong with a trial never stops the learning', async () => {
  const folded = { outputs: [], folded: { EXPERIENCE: 1 }, duplicates: 0, foreign: 0 };
  const fold = { eventOffset: 0, replayFromOffset: 0, apply: async () => folded } as unknown as Fold;
  const tried = withTrial(fold, settings);
  await tried.tryCandidate({ candidate: good, current: bad, fromOffset: 0, tuning });
  // Learned from in some way, but no policy can judge it.
  const spoilt = { ...learningEvent(0), preference: null as unknown as LearningEvent['preference'] };
  const { verdict, threadMs, ...rest } = await tried.apply([{ offset: 0, event: spoilt }]);
  expect(rest).toEqual(folded);
  expect(threadMs).toBeNull();
  expect(verdict).toMatchObject({ verdict: 'refuse', reason: expect.stringMatching(/^the trial failed: /) });
  expect((await tried.apply(rows(1, 2))).verdict).toBeNull();
  expect(await tried.judge()).toBeNull();
});

test('a policy that serving would refuse is not tried', () => {
  expect(() => trialOf({ ...good, policy: bad.policy }, bad)).toThrow(/policySha256 is/);
});
