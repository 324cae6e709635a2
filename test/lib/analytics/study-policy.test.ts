import { studyPolicy } from '../../../lib/analytics/study-policy';
import type { Judgement, LearnedPolicy, PolicyStudy } from '../../../lib/routing/judge/strategy';
import type { RouteOpened } from '../../../lib/topics/generated/messages';
import { candidateOf, openedOf, tuningOf } from '../routing/fixtures';

const judged = (probabilities: number[], coldStart = false): Judgement => ({
  ...{ probabilities, utilities: [0.75, 0.25], qualities: [0.75, 0.25], confidence: 1, policySha256: 'p', coldStart },
});
/** Goes by the task alone, and tells texts apart by their number of tokens. */
const learned: LearnedPolicy = {
  policySha256: 'p',
  judge: ({ taskType, tuning }) => judged(taskType === 'code' ? [1, 0] : [0, 1], tuning.learnedRewards === 0),
};
const study: PolicyStudy = {
  parts: ['wording', 'task'],
  judgeWithout: (part, opened) => (part === 'task' ? judged([0, 1]) : learned.judge(opened)),
  placeOf: ({ promptTokens }) =>
    promptTokens < 0 ? null : { cluster: promptTokens > 100 ? 1 : 0, shape: [promptTokens > 100 ? 2 : 0] },
};
const tuning = tuningOf({ learnedRewards: 100 });
const requestOf = (requestId: string, changes: Partial<RouteOpened>): RouteOpened =>
  openedOf({
    ...{
      requestId,
      strategies: ['LEARNING_OPTIMIZED'],
      collapse: 'FIRST_SUCCESS',
      explorationFloor: 0,
      promptTokens: 10,
    },
    candidates: [candidateOf('large', 'north'), candidateOf('small', 'south')],
    ...changes,
  });
const studyOf = (requests: readonly RouteOpened[], tuningOf = () => tuning) =>
  studyPolicy({ requests, learned, study, tuningOf, giveWay: async () => {} });

test('a part matters as far as draws, probabilities and utility change without it', async () => {
  const { parts, ...counts } = await studyOf([
    ...Array.from({ length: 3 }, (_, i) => requestOf(`c${i}`, { taskType: 'code' })),
    requestOf('w', { taskType: 'writing' }),
  ]);
  expect(counts).toMatchObject({ requests: 4, judged: 4 });
  expect(parts).toEqual([
    // Three of four move to the small model, which is .5 worse.
    { part: 'task', changed: 0.75, moved: 0.75, utilityLost: 0.375 },
    { part: 'wording', changed: 0, moved: 0, utilityLost: 0 },
  ]);
});

test('clusters are told by tasks, figures, draws and shape; of too few texts no shape is told', async () => {
  const { clusters } = await studyOf([
    ...Array.from({ length: 6 }, (_, i) =>
      requestOf(`l${i}`, { taskType: i < 4 ? 'code' : 'writing', promptTokens: 200 }),
    ),
    ...Array.from({ length: 4 }, (_, i) => requestOf(`s${i}`, { taskType: 'writing' })),
    requestOf('stranger', { promptTokens: -1 }),
  ]);
  expect(clusters).toEqual([
    {
      ...{ cluster: 1, requests: 6, promptTokens: 200, complexity: null, shape: ['long'] },
      tasks: [
        { name: 'code', share: 4 / 6 },
        { name: 'writing', share: 2 / 6 },
      ],
      models: [
        { name: 'large', share: 4 / 6 },
        { name: 'small', share: 2 / 6 },
      ],
    },
    {
      ...{ cluster: 0, requests: 4, promptTokens: 10, complexity: null, shape: [] },
      tasks: [{ name: 'writing', share: 1 }],
      models: [
        { name: 'small', share: 1 },
        { name: 'large', share: 0 },
      ],
    },
  ]);
});

test('requests in which learned weights have no say are counted, and not judged', async () => {
  const requests = [
    requestOf('other', { strategies: ['BALANCED'] }),
    requestOf('nobody', { candidates: [candidateOf('large', 'north', { eligible: false })] }),
  ];
  expect(await studyOf(requests)).toMatchObject({ requests: 2, judged: 0, clusters: [] });
  expect(await studyOf([requestOf('cold', {})], () => tuningOf({ learnedRewards: 0 }))).toMatchObject({ judged: 0 });
});

test('others get the thread again and again', async () => {
  let ways = 0;
  const requests = Array.from({ length: 20 }, (_, i) => requestOf(`r${i}`, {}));
  await studyPolicy({ ...{ requests, learned, study, tuningOf: () => tuning }, giveWay: async () => void ways++ });
  expect(ways).toBe(20);
});
