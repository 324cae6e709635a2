import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { type Broker, RecordTooLargeError, TransientError } from '../../../lib/ports/broker';
import { watchWrites } from '../../../services/gateway/watch-writes';

/** Of a broker only its producers are asked for; what they answer is set by the test. */
function watched() {
  const clock = createVirtualClock();
  const answers: (Error | null)[] = [];
  const broker = {
    producer: () => ({
      async send() {
        const error = answers.shift() ?? null;
        if (error) throw error;
        return [{ partition: 0, offset: 0 }];
      },
      close: async () => {},
    }),
  } as unknown as Broker;
  const writes = watchWrites(broker, clock);
  const [one, other] = [writes.broker.producer('one'), writes.broker.producer('other')];
  const send = (producer: typeof one, error: Error | null) => {
    answers.push(error);
    return producer.send([]).catch((thrown: Error) => thrown);
  };
  return { clock, writes, one, other, send };
}

const full = new TransientError('the disk is full');
const awaited = ['the log to take what is written'];

test('a log that takes nothing is awaited until it takes something, whoever writes it', async () => {
  const { writes, one, other, send } = watched();
  expect(writes.waitingFor()).toEqual([]);
  expect(await send(one, full)).toBe(full);
  expect(writes.waitingFor()).toEqual(awaited);
  expect(await send(other, null)).toEqual([{ partition: 0, offset: 0 }]);
  expect(writes.waitingFor()).toEqual([]);
});

test('nobody is kept away for good by a failure that nobody tries again', async () => {
  const { clock, writes, one, send } = watched();
  await send(one, full);
  await clock.advanceBy(19_000);
  expect(writes.waitingFor()).toEqual(awaited);
  await clock.advanceBy(1_000);
  expect(writes.waitingFor()).toEqual([]);
});

test('a record that is refused says nothing of the log', async () => {
  const { writes, one, send } = watched();
  await send(one, new RecordTooLargeError('t', 'k', 2, 1));
  expect(writes.waitingFor()).toEqual([]);
});
