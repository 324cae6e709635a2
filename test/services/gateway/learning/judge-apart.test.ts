import { createMemoryBroker } from '../../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { counterfactualsOf } from '../../../../lib/analytics/counterfactuals';
import type { ShadowTargets } from '../../../../lib/analytics/shadow-targets';
import { settingsOf } from '../../../../lib/topics/define-topic';
import type { LearningEvent } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { createPolicyJudge, type JudgedRange } from '../../../../services/gateway/learning/judge-apart';
import { toyEvents } from '../../../lib/learning/toy-world';

const range: JudgedRange = {
  ...{ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, asOfMs: 1, maxEvents: 10_000 },
  ...{ routerUsdPerDecision: 0, withPrevious: false },
};

async function startJudge(
  events: readonly LearningEvent[],
  { garbage = [] as readonly Buffer[], shadows = [] as readonly ShadowTargets[] } = {},
) {
  const broker = createMemoryBroker({ clock: createVirtualClock() });
  await broker.ensureTopics([settingsOf(topics.learningEvents, 1)]);
  const values = [...garbage, ...events.map((event) => topics.learningEvents.codec.encode(event))];
  const records = values.map((value) => ({ topic: topics.learningEvents.name, partition: 0, key: null, value }));
  if (records.length > 0) await broker.producer('test').send(records);
  return createPolicyJudge({ broker, topicPrefix: '', shadows: async () => shadows });
}

test('a process of its own finds what is found here, more records than one message holds and garbage among them', async () => {
  const events = toyEvents(1_200);
  const judge = await startJudge(events, { garbage: [Buffer.from('garbage'), Buffer.alloc(0)] });
  const judged = await judge(range);
  expect(judged.judged).toBe(1_200);
  expect(judged).toEqual(counterfactualsOf(events));
});

test('what the process cannot judge is an error here, and the next question is asked of a new one', async () => {
  const shadows = [{ name: 'unheard of', kind: 'shadow', unknownShare: 0 } as unknown as ShadowTargets];
  const judge = await startJudge(toyEvents(60), { shadows });
  await expect(judge(range)).rejects.toThrow('policies could not be judged');
  shadows.pop();
  expect((await judge(range)).decisions).toBe(60);
});

test('a log without records has nothing to judge', async () => {
  expect(await (await startJudge([]))(range)).toMatchObject({ decisions: 0, judged: 0 });
});
