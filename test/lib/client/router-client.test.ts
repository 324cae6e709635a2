import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { routeOutcome, routeRequest } from '../../../lib/client/build-records';
import {
  createRouterClient,
  DecisionTimeoutError,
  RequestRefusedError,
  replyToHeader,
} from '../../../lib/client/router-client';
import { deadLetterOf, deadLetterSettings } from '../../../lib/stream/dead-letters';
import { settingsOf } from '../../../lib/topics/define-topic';
import { topics } from '../../../lib/topics/topics';
import { decisionOf } from '../../services/gateway/start-gateway';

const request = routeRequest({ requestId: 'r1', requestedAtMs: 1, prompt: 'Hello', sessionId: 's' });
const decision = decisionOf(request);

async function startClient({ readsDeadLetters = false } = {}) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const used = [topics.routeRequested, topics.routeDecided, topics.routeRefused, topics.routeOutcome];
  const settings = used.map((topic) => settingsOf(topic as never, 2));
  if (readsDeadLetters) settings.push(deadLetterSettings(topics.routeRequested, 2));
  await broker.ensureTopics(settings.map((topic) => ({ ...topic, name: `p.${topic.name}` })));
  const seen: string[] = [];
  const client = await createRouterClient({
    broker,
    clock,
    clientId: 'me',
    topicName: (name) => `p.${name}`,
    onFailed: (error) => seen.push(error.message),
    readsDeadLetters,
    onDecision: ({ model }) => seen.push(model),
  });
  const decider = broker.producer('decider');
  const decide = (model: string, replyTo = 'me') =>
    decider.send([
      {
        topic: 'p.route.decided',
        key: 's',
        value: topics.routeDecided.codec.encode({ ...decision, model }),
        headers: { [replyToHeader]: replyTo },
      },
    ]);
  /** As intake does with a request it cannot route. */
  const refuse = (value: Buffer) =>
    decider.send([
      deadLetterOf(
        { topic: 'p.route.requested', partition: 1, offset: 0, key: 's', value, headers: {}, timestampMs: 1 },
        {
          group: 'route-intake',
          reason: 'spent',
          field: 'limits.maxSessionCostUsd',
          failedAtMs: 1,
          maxRecordBytes: 9e5,
        },
      ),
    ]);
  return { broker, client, clock, decide, refuse, seen };
}

test('a request says who asks, and gets the first decision that is addressed to it', async () => {
  const { broker, client, clock, decide, seen } = await startClient();
  const decided = client.route(request, 1_000);
  expect(client.waiting).toBe(1);
  await decide('elsewhere', 'somebody-else');
  await decide('first');
  await decide('second');
  expect((await decided).model).toBe('first');
  expect(client.waiting).toBe(0);
  await clock.runUntilIdle();
  expect(seen).toEqual(['first', 'second']);
  const [record] = broker.records('p.route.requested');
  expect(record).toMatchObject({ key: 's', headers: { [replyToHeader]: 'me' } });
  expect(topics.routeRequested.codec.decode(record!.value!)).toEqual({ ...request, replyTo: 'me' });
  await client.close();
});

test('while nobody waits, what others are told may come later; whoever begins to wait hurries it', async () => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const used = [topics.routeRequested, topics.routeDecided, topics.routeRefused];
  await broker.ensureTopics(used.map((topic) => settingsOf(topic as never, 1)));
  const lingers: (() => number)[] = [];
  let hurried = 0;
  const client = await createRouterClient({
    broker: {
      ...broker,
      producer: (name: string) => broker.producer(name),
      follow: async (options: Parameters<typeof broker.follow>[0]) => {
        lingers.push(options.lingerMs as () => number);
        const follower = await broker.follow(options);
        return { stop: () => follower.stop(), hurry: () => void hurried++ };
      },
    } as typeof broker,
    clock,
    clientId: 'me',
    onFailed: (error) => {
      throw error;
    },
  });
  expect(lingers).toHaveLength(2);
  expect(lingers.every((linger) => linger() > 0)).toBe(true);
  const first = client.route(request, 1_000);
  const second = client.route({ ...request, requestId: 'r2' }, 1_000);
  expect(lingers.map((linger) => linger())).toEqual([0, 0]);
  expect(hurried).toBe(lingers.length);
  await client.close();
  await Promise.all([expect(first).rejects.toThrow('closed'), expect(second).rejects.toThrow('closed')]);
});

test('without a decision it gives up at its time-out, and the same request may be sent again', async () => {
  const { client, clock, decide } = await startClient();
  const late = client.route(request, 1_000);
  const refused = expect(late).rejects.toThrow(new DecisionTimeoutError('r1', 1_000));
  await expect(client.route(request, 1_000)).rejects.toThrow('request r1 already waits for its decision');
  await clock.advanceBy(1_100);
  await refused;
  const again = client.route(request, 1_000);
  await decide('large');
  expect((await again).model).toBe('large');
  await client.close();
});

test('a refused request rejects at once, where dead letters may be read', async () => {
  const { client, decide, refuse } = await startClient({ readsDeadLetters: true });
  const encode = (changes: Partial<typeof request>) => topics.routeRequested.codec.encode({ ...request, ...changes });
  const refused = client.route({ ...request, requestId: 'r0' }, 1_000);
  const decided = client.route(request, 1_000);
  await refuse(Buffer.from('garbage'));
  await refuse(encode({ replyTo: 'somebody-else' }));
  await refuse(encode({ requestId: 'gone', replyTo: 'me' }));
  await refuse(encode({ requestId: 'r0', replyTo: 'me' }));
  await expect(refused).rejects.toEqual(new RequestRefusedError('r0', 'spent', 'limits.maxSessionCostUsd'));
  await expect(refused).rejects.toMatchObject({ reason: 'spent', field: 'limits.maxSessionCostUsd' });
  expect(client.waiting).toBe(1);
  await decide('large');
  expect((await decided).model).toBe('large');
  await client.close();
});

test('a record addressed to it that is no decision disturbs nothing', async () => {
  const { broker, client, decide, seen } = await startClient();
  const decided = client.route(request, 1_000);
  const producer = broker.producer('vandal');
  const headers = { [replyToHeader]: 'me' };
  await producer.send([{ topic: 'p.route.decided', key: 's', value: Buffer.from('garbage'), headers }]);
  await decide('large');
  expect((await decided).model).toBe('large');
  expect(seen).toEqual(['large']);
  await client.close();
});

test('an outcome goes to the partition of its decision', async () => {
  const { broker, client } = await startClient();
  const outcome = routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: 2 });
  await client.report(outcome);
  const [record] = broker.records('p.route.outcome');
  expect(record!.key).toBe('s');
  expect(topics.routeOutcome.codec.decode(record!.value!)).toEqual(outcome);
  await client.close();
});

test('closing rejects what waits, and what comes after', async () => {
  const { client } = await startClient();
  const waiting = client.route(request, 1_000);
  const refused = expect(waiting).rejects.toThrow('the client was closed');
  await client.close();
  await client.close();
  await refused;
  await expect(client.route(request, 1_000)).rejects.toThrow('the client is closed');
});

test('a request that cannot be encoded rejects and leaves nothing behind', async () => {
  const { client, clock, broker } = await startClient();
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listen);
  const impossible = { ...request, requestedAtMs: Number.MAX_SAFE_INTEGER };
  await expect(client.route(impossible, 100)).rejects.toThrow('RouteRequested.requestedAtMs');
  expect(client.waiting).toBe(0);
  await clock.advanceBy(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listen);
  expect([unhandled, broker.records('p.route.requested')]).toEqual([[], []]);
  await client.close();
});

test('an id that UTF-8 would change is refused at once, by name, and nothing is written', async () => {
  const { client, broker } = await startClient();
  await expect(client.route({ ...request, requestId: 'a\ud800' }, 100)).rejects.toThrow('requestId: has a lone surr');
  await expect(client.route({ ...request, sessionId: '\udc00' }, 100)).rejects.toThrow('sessionId: has a lone surr');
  expect([client.waiting, broker.records('p.route.requested')]).toEqual([0, []]);
  await client.close();
});

test('what somebody else writes to the topic of decisions is passed over', async () => {
  const { client, clock, broker, decide, seen } = await startClient();
  const decided = client.route(request, 1_000);
  await broker
    .producer('vandal')
    .send([{ topic: 'p.route.decided', key: 's', value: Buffer.from('garbage'), headers: { [replyToHeader]: 'me' } }]);
  await decide('large');
  await clock.settle();
  expect((await decided).model).toBe('large');
  expect(seen).toEqual(['large']);
  await client.close();
});
