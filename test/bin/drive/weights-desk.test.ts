/** The commands' way to the trainer of a cluster, with somebody in the trainer's place. */
import { logDesk } from '../../../bin/drive/weights-desk';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import type { WeightsAnswer } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { memoryHome } from '../../../services/home';

const wish = { kind: 'PROMOTE' as const, policySha256: null, force: false, requestedBy: 'me' };

async function place(answer: Partial<WeightsAnswer> | null) {
  const clock = createVirtualClock();
  const home = memoryHome({ clock, seed: 1 });
  const { broker } = home;
  const desk = logDesk({ home, where: 'the topics at host:1', timeoutMs: 5_000 });
  const makeTopics = async (): Promise<void> => {
    for (const topic of [
      topics.weightsPublished,
      topics.weightsVersions,
      topics.weightsCommands,
      topics.weightsAnswers,
    ])
      await ensureSinglePartitionTopic<never>(broker, topic as never, '');
    const producer = broker.producer('trainer');
    await broker.follow({
      topic: topics.weightsCommands.name,
      startAt: 'latest',
      onFailed: () => {},
      async onRecords([record]) {
        if (!answer) return;
        const { commandId } = topics.weightsCommands.codec.decode(record!.value!);
        const base = { commandId, status: 'DONE' as const, why: '', policySha256: 'abc', sequence: 3, evidence: {} };
        const value = topics.weightsAnswers.codec.encode({ ...base, answeredAtMs: 1, ...answer });
        await producer.send([{ topic: topics.weightsAnswers.name, key: commandId, value }]);
      },
    });
  };
  const ask = async () => {
    const asked = desk.ask(wish);
    asked.catch(() => {});
    await clock.advanceBy(5_000);
    return asked;
  };
  return { desk, ask, makeTopics };
}

test('brings the answer back', async () => {
  const { desk, ask, makeTopics } = await place({});
  await makeTopics();
  expect(await ask()).toMatchObject({ policySha256: 'abc', sequence: 3 });
  expect(await desk.read()).toEqual({ inForce: null, versions: [] });
});

test('a refusal is an error with its reason', async () => {
  const { ask, makeTopics } = await place({ status: 'REFUSED', why: 'nothing waits' });
  await makeTopics();
  await expect(ask()).rejects.toThrow('nothing waits');
});

test('without an answer it says what becomes of the command', async () => {
  const { ask, makeTopics } = await place(null);
  await makeTopics();
  await expect(ask()).rejects.toThrow(/has not answered within 5 s; it carries the command out when it can/);
});

test('where no trainer ever was there is nothing to ask', async () => {
  const { desk, ask } = await place({});
  await expect(ask()).rejects.toThrow('no weights were ever learned in the topics at host:1');
  await expect(desk.read()).rejects.toThrow('no weights were ever learned');
});
