/** What a task has written to the stage's own outputs: which answers have been given already, and of which kind they were. */
import type { AnyTopic } from '../../topics/define-topic';
import type { OwnOutput } from '../define-service';
import { createRecentIds, type RecentIds } from './recent-ids';

type Named = Pick<AnyTopic, 'name'>;

export class OwnIds {
  private readonly byTopic: ReadonlyMap<string, RecentIds>;
  private readonly all: readonly RecentIds[];

  constructor(private readonly own: OwnOutput) {
    const { topics, maxIds, familyOf } = own;
    this.byTopic = new Map(topics.map(({ name }) => [name, createRecentIds(maxIds, familyOf)]));
    this.all = [...this.byTopic.values()];
  }

  /** The id of an event that goes to `topic`; null where that is none of the own outputs. */
  idOf(topic: Named, event: unknown): string | null {
    return this.byTopic.has(topic.name) ? this.own.idOf(event) : null;
  }

  /** The id of a record of an own output; null where the bytes are none of the stage's. */
  idInBytes(topic: AnyTopic, value: Buffer): string | null {
    const { idOf, idFields } = this.own;
    // biome-ignore lint/suspicious/noExplicitAny: the event type of the topic
    const codec = topic.codec as any;
    try {
      return idOf(idFields ? codec.decodeFields(value, idFields) : codec.decode(value));
    } catch {
      return null;
    }
  }

  /** Whether the id was written to `topic` or, where none is named, to any own output. */
  has(id: string, topic?: Named): boolean {
    if (topic) return this.byTopic.get(topic.name)?.has(id) ?? false;
    return this.all.some((ids) => ids.has(id));
  }

  /** Whether any id of the same family was written to any own output. */
  hasAlike(id: string): boolean {
    return this.all.some((ids) => ids.hasAlike(id));
  }

  add(topic: Named, id: string): void {
    this.byTopic.get(topic.name)!.add(id);
  }
}
