/** Whether what cannot be read became a dead letter, in the topics of which there are any. */
import { systemClock } from '../../lib/adapters/system';
import { codecOf } from '../../lib/avro/codec';
import type { DeadLetter } from '../../lib/topics/generated/messages';
import { deadLetterTopicName } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';
import { comesTrue } from '../chaos/until';
import { patienceMs } from '../patience';
import { type Fault, fault } from './findings';

const codec = codecOf<DeadLetter>('DeadLetter');

export class DeadLetters {
  private readonly expected = new Set<string>();
  private readonly next = new Map<string, number>();
  private topics: ReadonlyMap<string, number> | null = null;

  constructor(private readonly home: EngineHome) {}

  expect(topic: string, { partition, offset }: { readonly partition: number; readonly offset: number }): void {
    this.expected.add(`${topic}/${partition}/${offset}`);
  }

  /** Faults for those that have none; forgets all of them. */
  async missing(): Promise<Fault[]> {
    const { topicPrefix } = this.home;
    this.topics ??= new Map((await this.home.broker.listTopics()).map(({ name, partitions }) => [name, partitions]));
    for (const place of [...this.expected]) {
      if (!this.topics.has(topicPrefix + deadLetterTopicName(place.split('/')[0]!))) this.expected.delete(place);
    }
    const arrived = await comesTrue(systemClock(), () => this.haveCome(), patienceMs, 5);
    const found = arrived
      ? []
      : [...this.expected].map((place) => fault(`no dead letter of a record in ${place.split('/')[0]}`));
    this.expected.clear();
    return found;
  }

  private async haveCome(): Promise<boolean> {
    const { broker, topicPrefix } = this.home;
    for (const topic of new Set([...this.expected].map((place) => place.split('/')[0]!))) {
      const name = topicPrefix + deadLetterTopicName(topic);
      for (let partition = 0; partition < this.topics!.get(name)!; partition++) {
        const at = `${name}/${partition}`;
        const { earliest, end } = await broker.offsets({ topic: name, partition });
        const from = Math.max(earliest, this.next.get(at) ?? 0);
        if (from >= end) continue;
        for await (const records of broker.read({ topic: name, partition }, { from, to: end })) {
          for (const { value } of records) {
            const letter = codec.decode(value!);
            this.expected.delete(`${topic}/${letter.partition}/${letter.offset}`);
          }
        }
        this.next.set(at, end);
      }
    }
    return this.expected.size === 0;
  }
}
