import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import type { Broker, FollowOptions } from '../../../lib/ports/broker';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import type { WeightsAnswer, WeightsCommand } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { askTrainer } from '../../../lib/weights/ask-trainer';

const command: WeightsCommand = {
  commandId: 'mine',
  kind: 'ROLLBACK',
  policySha256: null,
  force: false,
  requestedBy: 'me',
  requestedAtMs: 5,
};
const answerOf = (commandId: string, why: string): WeightsAnswer => ({
  commandId,
  status: 'DONE',
  why,
  policySha256: null,
  sequence: 1,
  evidence: {},
  answeredAtMs: 6,
});

async function place() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  await ensureSinglePartitionTopic(broker, topics.weightsCommands, '');
  await ensureSinglePartitionTopic(broker, topics.weightsAnswers, '');
  const trainer = broker.producer('trainer');
  const answer = async (id: string, why: string): Promise<void> => {
    const value = topics.weightsAnswers.codec.encode(answerOf(id, why));
    const sent = trainer.send([{ topic: topics.weightsAnswers.name, key: id, value }]);
    await clock.settle();
    await sent;
  };
  const ask = (through: Broker = broker) => {
    const asked = askTrainer({ broker: through, clock, topicPrefix: '', timeoutMs: 1_000 }, command);
    asked.catch(() => {});
    return asked;
  };
  return { clock, broker, answer, ask };
}

test('waits for the answer to this command', async () => {
  const { clock, broker, answer, ask } = await place();
  // From before, and to somebody else.
  await answer('mine', 'yesterday');
  const asked = ask();
  await clock.settle();
  const [sent] = broker.records(topics.weightsCommands.name);
  expect(topics.weightsCommands.codec.decode(sent!.value!)).toEqual(command);
  await answer('other', 'not this');
  await answer('mine', 'now');
  expect(await asked).toEqual(answerOf('mine', 'now'));
});

test('waits no longer than it may; the command stays', async () => {
  const { clock, broker, ask } = await place();
  const asked = ask();
  await clock.advanceBy(1_000);
  expect(await asked).toBeNull();
  expect(broker.records(topics.weightsCommands.name)).toHaveLength(1);
});

test('a log that can no longer be followed is an error, not a time-out', async () => {
  const { clock, broker, ask } = await place();
  const disturbed: Broker = {
    ...broker,
    follow: (options: FollowOptions) => {
      clock.setTimer(10, () => options.onFailed(new Error('the broker is gone')));
      return broker.follow(options);
    },
  };
  const asked = ask(disturbed);
  await clock.advanceBy(10);
  await expect(asked).rejects.toThrow('the broker is gone');
});
