import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { earliestTime, latestTime, OffsetQuestions } from '../../../../lib/adapters/kafka/offset-questions';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { fakeCluster, protocolError } from './fake-cluster';

/** Two nodes; topic a is led by the first, b by both. The offset of an edge says whose it is; `asked`: requests by node. */
function bench() {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const refused = new Set<string>();
  const node = (id: number): Partial<KafkaNode> => ({
    async listOffsets({ topics }) {
      const places = topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition }) => `${topic}${partition}`),
      );
      const edge = topics[0]!.partitions[0]!.timestamp === latestTime ? 'end' : 'earliest';
      asked.push(`${id} ${edge} ${places.join(' ')}`);
      if (places.some((place) => refused.has(place))) throw protocolError('NOT_LEADER_FOR_PARTITION', true);
      return {
        responses: topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition, timestamp }) => ({
            partition,
            offset: String(100 * (topic === 'a' ? 1 : 2) + 10 * partition + (timestamp === latestTime ? 1 : 0)),
          })),
        })),
      };
    },
  });
  const cluster = fakeCluster({ clock, leaders: { a: [1, 1], b: [1, 2] }, nodes: { 1: node(1), 2: node(2) } });
  return { clock, asked, refused, cluster, questions: new OffsetQuestions(cluster.connections) };
}

const places = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 1 },
  { topic: 'b', partition: 0 },
  { topic: 'b', partition: 1 },
];

test('what is asked in one turn is one request for each leader and edge, and everybody has the answer for what they asked', async () => {
  const { questions, asked } = bench();
  const ends = places.map((of) => questions.edge(of, latestTime));
  const again = questions.edge(places[1]!, latestTime);
  const earliest = questions.edge(places[2]!, earliestTime);
  const both = questions.edge(places[0]!, earliestTime);
  expect(await Promise.all([...ends, again, earliest, both])).toEqual([101, 111, 201, 211, 111, 200, 100]);
  expect(asked.sort()).toEqual(['1 earliest b0 a0', '1 end a0 a1 b0', '2 end b1']);
});

test('what is asked later is asked anew', async () => {
  const { questions, asked } = bench();
  await questions.edge(places[0]!, latestTime);
  await questions.edge(places[0]!, latestTime);
  expect(asked).toEqual(['1 end a0', '1 end a0']);
});

test('one that is refused holds up nobody who was asked for with it', async () => {
  const { questions, refused, clock } = bench();
  refused.add('a1');
  const waiting: number[] = [];
  const asks = places.map((of, i) => questions.edge(of, latestTime).then(() => waiting.push(i)));
  await clock.settle();
  expect(waiting.sort()).toEqual([0, 2, 3]);
  refused.clear();
  await clock.advanceBy(5_000);
  await Promise.all(asks);
});

test('one that nobody leads is asked for by itself until somebody does', async () => {
  const { questions, cluster, clock } = bench();
  cluster.leaders.set('b', [-1, 2]);
  const answered: number[] = [];
  const asks = places.map((of) => questions.edge(of, latestTime).then((offset) => answered.push(offset)));
  await clock.settle();
  expect(answered.sort()).toEqual([101, 111, 211]);
  cluster.leaders.set('b', [1, 2]);
  await clock.advanceBy(5_000);
  await Promise.all(asks);
  expect(answered.at(-1)).toBe(201);
});

test('where there is no such partition, whoever asks is told', async () => {
  const { questions, clock } = bench();
  const failed = expect(questions.edge({ topic: 'none', partition: 0 }, latestTime)).rejects.toThrow('none');
  const other = questions.edge(places[0]!, latestTime);
  await clock.advanceBy(60_000);
  await failed;
  expect(await other).toBe(101);
});
