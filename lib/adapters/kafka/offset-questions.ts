/**
 * Where partitions begin and end. What is asked together, before the next microtask, goes to each leader as one request: a stand-by looks
 * at seven topics at once, and a request costs the broker as much whether it names one partition or fifty.
 */
import type { TopicPartition } from '../../ports/broker';
import { type KafkaCluster, type KafkaNode, readCommitted } from './kafka-client';
import { type KafkaConnections, leaderIdOf } from './kafka-connections';

export const earliestTime = -2;
export const latestTime = -1;
/** A special time that is asked for often. */
export type Edge = typeof earliestTime | typeof latestTime;

const tryMs = 30_000;

/** Those who wait for one offset. */
interface Question {
  readonly of: TopicPartition;
  readonly answers: ((offset: Promise<number>) => void)[];
}

export class OffsetQuestions {
  /** Not sent yet, by edge and place. */
  private readonly asked = new Map<Edge, Map<string, Question>>();

  constructor(private readonly connections: KafkaConnections) {}

  /** First offset at or after the time; -1 when there is none. */
  at(of: TopicPartition, timestampMs: number): Promise<number> {
    const limits = { what: `asking for offsets of ${of.topic}[${of.partition}]`, topics: [of.topic], timeoutMs: tryMs };
    return this.connections.run(limits, (cluster) => listOffset(cluster, of, timestampMs));
  }

  edge(of: TopicPartition, edge: Edge): Promise<number> {
    return new Promise((resolve) => {
      const questions = this.asked.get(edge) ?? this.open(edge);
      const place = `${of.partition}/${of.topic}`;
      const question = questions.get(place);
      if (question) question.answers.push(resolve);
      else questions.set(place, { of, answers: [resolve] });
    });
  }

  private open(edge: Edge): Map<string, Question> {
    const questions = new Map<string, Question>();
    this.asked.set(edge, questions);
    queueMicrotask(() => {
      this.asked.delete(edge);
      void this.ask(edge, [...questions.values()]);
    });
    return questions;
  }

  /** Together once; whatever does not go well so is asked by itself, with all the patience there is. Never rejects. */
  private async ask(edge: Edge, questions: readonly Question[]): Promise<void> {
    const byItself = (of: readonly Question[]): void => {
      for (const question of of) {
        const offset = this.at(question.of, edge);
        for (const answer of question.answers) answer(offset);
      }
    };
    if (questions.length === 1) return byItself(questions);
    const byLeader = new Map<number, Question[]>();
    let cluster: KafkaCluster;
    try {
      cluster = await this.connections.cluster([...new Set(questions.map(({ of }) => of.topic))]);
    } catch {
      return byItself(questions);
    }
    for (const question of questions) {
      try {
        const leader = leaderIdOf(cluster, question.of.topic, question.of.partition);
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), question]);
      } catch {
        byItself([question]);
      }
    }
    for (const [nodeId, ofNode] of byLeader) {
      this.askNode(cluster, nodeId, edge, ofNode).catch(() => byItself(ofNode));
    }
  }

  private async askNode(
    cluster: KafkaCluster,
    nodeId: number,
    edge: Edge,
    questions: readonly Question[],
  ): Promise<void> {
    const byTopic = new Map<string, Question[]>();
    for (const question of questions)
      byTopic.set(question.of.topic, [...(byTopic.get(question.of.topic) ?? []), question]);
    const topics = [...byTopic].map(([topic, of]) => ({
      topic,
      partitions: of.map(({ of: { partition } }) => ({ partition, timestamp: edge })),
    }));
    const node: KafkaNode = await cluster.findBroker({ nodeId });
    const { responses } = await node.listOffsets({ isolationLevel: readCommitted, topics });
    const offsets = new Map<string, number>();
    for (const { topic, partitions } of responses)
      for (const { partition, offset } of partitions) offsets.set(`${partition}/${topic}`, Number(offset));
    const missing = questions.filter(({ of }) => !offsets.has(`${of.partition}/${of.topic}`));
    if (missing.length > 0) throw new Error('not all that was asked for was answered');
    for (const { of, answers } of questions) {
      const offset = Promise.resolve(offsets.get(`${of.partition}/${of.topic}`)!);
      for (const answer of answers) answer(offset);
    }
  }
}

/** First offset at or after the time; -1 when there is none. */
export async function listOffset(cluster: KafkaCluster, of: TopicPartition, timestamp: number): Promise<number> {
  const { topic, partition } = of;
  const node = await cluster.findBroker({ nodeId: leaderIdOf(cluster, topic, partition) });
  const { responses } = await node.listOffsets({
    isolationLevel: readCommitted,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  return Number(responses[0]!.partitions[0]!.offset);
}
