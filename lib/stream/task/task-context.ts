/** The context decisions see. One object per task, moved from record to record by the task alone: making one per record costs more than most decisions. */
import type { Headers } from '../../ports/broker';
import type { Random } from '../../ports/random';
import type { Topic } from '../../topics/define-topic';
import type { Context, View } from '../define-service';
import type { Host } from '../host';
import type { OwnIds } from './own-ids';

const noHeaders: Headers = Object.freeze({});

export class TaskContext implements Context {
  topic = '';
  offset = -1;
  timestampMs = 0;
  headers: Headers = noHeaders;
  rowKey = '';
  nowMs = 0;
  // Functions by themselves, since services hand them on.
  readonly alreadyEmitted: Context['alreadyEmitted'] = (id, topic) => this.ownIds?.has(id, topic) ?? false;
  readonly emittedAlike = (id: string): boolean => this.ownIds?.hasAlike(id) ?? false;
  private stream: Random | null = null;
  /** Row key of a timer, which has no offset to seed its randomness with. */
  private dueKey: string | null = null;
  /** What the input says its randomness is seeded by. */
  private seed: string | null = null;

  constructor(
    private readonly host: Host,
    readonly group: string,
    readonly partition: number,
    private readonly views: ReadonlyMap<string, View<unknown>>,
    /** Of what the stage has written to its own outputs; null where it has none. */
    private readonly ownIds: OwnIds | null,
  ) {}

  atRecord(
    topic: string,
    record: { offset: number; timestampMs: number; headers: Headers },
    seed: string | null = null,
  ): void {
    this.topic = topic;
    this.offset = record.offset;
    this.timestampMs = record.timestampMs;
    this.headers = record.headers;
    this.stream = null;
    this.dueKey = null;
    this.seed = seed;
  }

  atTimer(key: string): void {
    this.atRecord('', { offset: -1, timestampMs: this.nowMs, headers: noHeaders });
    this.dueKey = key;
  }

  get partitions(): number {
    return this.host.requestPathPartitions;
  }

  elapsedMs(): number {
    return this.host.elapsedMs();
  }

  get random(): Random {
    this.stream ??= this.createStream();
    return this.stream;
  }

  private createStream(): Random {
    const { host, group, topic, partition, offset, dueKey, seed } = this;
    if (seed !== null) return host.createRandom(group, topic, seed);
    if (dueKey !== null) return host.createRandom(group, 'due', partition, dueKey);
    if (offset < 0) throw new Error(`a record of ${topic} was handed on, so it has no offset: give its input a seedOf`);
    return host.createRandom(group, topic, partition, offset);
  }

  view<T>(topic: Topic<T>): View<T> {
    const view = this.views.get(topic.name);
    if (!view) throw new Error(`service ${this.group} looked into ${topic.name}: add it to the service's views`);
    return view as View<T>;
  }
}
