/** Asks the trainer for other weights and waits for its answer: a command goes out, the answer of its id comes back. */
import type { Broker } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { decodeOrNull } from '../topics/decode-or-null';
import type { WeightsAnswer, WeightsCommand } from '../topics/generated/messages';
import { topics } from '../topics/topics';

export interface AskOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
  /** Longest wait; the command stays in the log and is answered all the same. */
  readonly timeoutMs: number;
}

/** Null when no answer came in time. Rejects when the log cannot be written or followed. */
export async function askTrainer(options: AskOptions, command: WeightsCommand): Promise<WeightsAnswer | null> {
  const { broker, clock, topicPrefix, timeoutMs } = options;
  let settle: (outcome: WeightsAnswer | Error | null) => void = () => {};
  const answered = new Promise<WeightsAnswer | Error | null>((resolve) => {
    settle = resolve;
  });
  const follower = await broker.follow({
    topic: topicPrefix + topics.weightsAnswers.name,
    startAt: 'latest',
    onRecords(records) {
      for (const { key, value } of records) {
        const answer = key === command.commandId && value ? decodeOrNull(topics.weightsAnswers, value) : null;
        if (answer) settle(answer);
      }
    },
    onFailed: settle,
  });
  const producer = broker.producer(`weights-${command.commandId}`);
  const cancel = clock.setTimer(timeoutMs, () => settle(null));
  try {
    const topic = topicPrefix + topics.weightsCommands.name;
    const { codec, keyOf } = topics.weightsCommands;
    await producer.send([{ topic, key: keyOf(command), value: codec.encode(command) }]);
    const outcome = await answered;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  } finally {
    cancel();
    await producer.close();
    await follower.stop();
  }
}
