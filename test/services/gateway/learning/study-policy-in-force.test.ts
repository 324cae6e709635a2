import { createMemoryBroker } from '../../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { LearnedPolicy } from '../../../../lib/routing/judge/strategy';
import { settingsOf } from '../../../../lib/topics/define-topic';
import { topics } from '../../../../lib/topics/topics';
import { createPolicyStudy } from '../../../../services/gateway/learning/study-policy-in-force';
import { publishedOf } from '../../../lib/routing/kept';
import { startGateway, testConfig } from '../start-gateway';

const learned: LearnedPolicy = {
  policySha256: 'p1',
  judge: () => {
    throw new Error('nobody asked');
  },
  study: { parts: ['task'], judgeWithout: () => learned.judge(undefined as never), placeOf: () => null },
};

async function startStudy() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await broker.ensureTopics([settingsOf(topics.routeOpened, 1)]);
  const known: { times: number; policy: LearnedPolicy | null; fails: boolean } = {
    times: 0,
    policy: learned,
    fails: false,
  };
  const study = createPolicyStudy({
    ...{ broker, clock, topicPrefix: '', requestPathPartitions: 1, config: () => testConfig, tuning: () => undefined },
    knownWeights: async () => {
      known.times++;
      if (known.fails) throw new Error('no log');
      return { inForce: publishedOf({ policySha256: 'p1' }), versions: [] };
    },
    weightsOf: async () => known.policy,
  });
  return { clock, known, study };
}

test('it is worked out once for all who ask within a minute', async () => {
  const { clock, known, study } = await startStudy();
  const [one, other] = await Promise.all([study(), study()]);
  expect(one).toMatchObject({ policySha256: 'p1', requests: 0, judged: 0 });
  expect(other).toBe(one);
  await clock.advanceBy(59_999);
  expect(await study()).toBe(one);
  await clock.advanceBy(1);
  expect(await study()).not.toBe(one);
  expect(known.times).toBe(2);
});

test('what failed, and what was not there yet, is asked for again', async () => {
  const { known, study } = await startStudy();
  known.fails = true;
  await expect(study()).rejects.toThrow('no log');
  known.fails = false;
  known.policy = null;
  expect(await study()).toBeNull();
  known.policy = learned;
  expect(await study()).toMatchObject({ policySha256: 'p1' });
});

test('over HTTP nothing is known before the first weights', async () => {
  const started = await startGateway();
  expect(await started.call('GET', '/v1/learning/policy')).toMatchObject({
    status: 200,
    body: { policySha256: null, atMs: null, requests: 0, judged: 0, parts: [], clusters: [] },
  });
});
