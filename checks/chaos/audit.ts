/**
 * What the topics themselves say at the end, against what clients were promised. Reads on from where it was, so it can be
 * asked again and again until everything has arrived.
 */
import type { LogRecord } from '../../lib/ports/broker';
import type { Topic } from '../../lib/topics/define-topic';
import { readRow } from '../../lib/topics/read-row';
import { deadLetterTopicName, topics } from '../../lib/topics/topics';
import type { Cluster } from './cluster';
import type { Ledger } from './ledger';

export interface FirstDecision {
  readonly partition: number;
  readonly model: string;
  readonly decidedAtMs: number;
  readonly degraded: boolean;
  /** A thread judged by learned weights, for this very request. */
  readonly learned: boolean;
  readonly cacheHit: boolean;
  /** Every thread had come. */
  readonly complete: boolean;
}

/** Records of one id, wherever they lie. */
interface Copies {
  count: number;
  readonly partitions: Set<number>;
}

export interface FoldedOnce {
  /** `learnedRewards` of the newest tuning record. */
  readonly learnedRewards: number;
  /** Tuning records whose count is not that of the distinct rewards before their offset, in words. */
  readonly wrong: readonly string[];
}

const inputs = [
  topics.routeRequested,
  topics.routeOpened,
  topics.strategyScored,
  topics.routeDecided,
  topics.routeOutcome,
  topics.modelObserved,
  topics.learningEvents,
];

/** Of the outcomes that the load reports, by far the most. */
const workloadSource = 'workload';

export class Audit {
  /** The first record per request: the truth. */
  readonly decisions = new Map<string, FirstDecision>();
  /** Later records of a request that name another model than the first. */
  contradictions = 0;
  readonly late = new Map<string, string>();
  deadLetters = 0;
  /** Of learning events, by id. */
  readonly learned = new Map<string, Copies>();
  private readonly decided = new Map<string, Copies>();
  private readonly opened = new Map<string, Copies>();
  /** By request and group. */
  private readonly scored = new Map<string, Copies>();
  private readonly observed = new Map<string, Copies>();
  /** Offsets of the first event of each reward, ascending. */
  private readonly rewardOffsets: number[] = [];
  /**
   * Of those, the ones that the fold may leave out: by the trainer's pace, a record of the log, or since a new source (the calls at
   * the door are judged by one) is believed up to its share alone.
   */
  private readonly sparedOffsets: number[] = [];
  private paceShare = 1;
  private readonly tunings: { learnedRewards: number; eventOffset: number }[] = [];
  private readonly nextOffsets = new Map<string, number>();

  constructor(private readonly cluster: Cluster) {}

  /** Reads what has come since the last time. */
  async update(): Promise<void> {
    await this.read(topics.routeOpened, ({ requestId }, record) => count(this.opened, requestId, record));
    await this.read(topics.strategyScored, ({ requestId, group }, record) =>
      count(this.scored, `${requestId}/${group}`, record),
    );
    await this.read(topics.routeDecided, (decision, record) => {
      if (count(this.decided, decision.requestId, record)) {
        const { model, decidedAtMs, cacheHit, threads } = decision;
        this.decisions.set(decision.requestId, {
          partition: record.partition,
          model,
          decidedAtMs,
          cacheHit,
          degraded: decision.degradedTo !== 'NONE',
          learned: !cacheHit && threads.some((thread) => thread.status === 'SUCCESS' && thread.policySha256 !== null),
          complete: threads.every(({ status }) => status !== 'TIMEOUT'),
        });
      } else if (this.decisions.get(decision.requestId)!.model !== decision.model) this.contradictions += 1;
    });
    await this.read(topics.learningEvents, ({ eventId, kind, quality, replaces, pace, source }, record) => {
      if (pace) {
        this.paceShare = pace.rewards;
        return;
      }
      // A judgement that takes the place of another one corrects a reward and is none of its own.
      const isReward = kind === 'EXPERIENCE' && quality !== null && (replaces?.quality ?? null) === null;
      if (!count(this.learned, eventId, record) || !isReward) return;
      this.rewardOffsets.push(record.offset);
      if (this.paceShare < 1 || source !== workloadSource) this.sparedOffsets.push(record.offset);
    });
    await this.read(topics.modelObserved, ({ observationId }, record) => count(this.observed, observationId, record));
    await this.read(topics.routeOutcomeLate, ({ outcome, reason }) => {
      this.late.set(`${outcome.decisionId}/${outcome.attempt}/${outcome.revision}`, reason);
    });
    await this.read(topics.tuning, ({ learnedRewards, eventOffset }) => {
      this.tunings.push({ learnedRewards, eventOffset });
    });
    for (const topic of inputs) {
      await this.readRaw(deadLetterTopicName(topic.name), this.partitionsOf(topic), () => {
        this.deadLetters += 1;
      });
    }
  }

  undecided(ledger: Ledger): string[] {
    return ledger.acknowledgedRequests().flatMap(({ requestId }) => (this.decisions.has(requestId) ? [] : [requestId]));
  }

  /** Acknowledged outcomes that became neither a learning event nor a late outcome. */
  unlearned(ledger: Ledger): string[] {
    return ledger
      .acknowledgedOutcomes()
      .flatMap(({ outcomeId }) => (this.learned.has(outcomeId) || this.late.has(outcomeId) ? [] : [outcomeId]));
  }

  /** Requests whose clients were told another model than the first record names. */
  toldOtherwise(ledger: Ledger): string[] {
    return [...ledger.requests.values()].flatMap(({ requestId, model }) => {
      const first = this.decisions.get(requestId);
      return model === null || !first || first.model === model ? [] : [requestId];
    });
  }

  /** Ids whose records lie in more than one partition, so that no reader could say which is the first. */
  ambiguous(): string[] {
    return [...this.decided].flatMap(([id, { partitions }]) => (partitions.size > 1 ? [id] : []));
  }

  duplicates(): { opened: number; scored: number; decided: number; learned: number; observed: number } {
    const { opened, scored, decided, learned, observed } = this;
    return {
      opened: excess(opened),
      scored: excess(scored),
      decided: excess(decided),
      learned: excess(learned),
      observed: excess(observed),
    };
  }

  /** Changes whenever something has come that is waited for. */
  progress(): string {
    return [this.decisions.size, this.learned.size, this.late.size, this.tunings.at(-1)?.eventOffset].join('/');
  }

  /** Whether the trainer has learned all but the last few rewards that it may not leave out; it tells every 8. */
  isFolded(): boolean {
    const told = this.tunings.at(-1)?.eventOffset ?? 0;
    const behind = (offsets: readonly number[]): number => offsets.length - countBefore(offsets, told);
    return behind(this.rewardOffsets) - behind(this.sparedOffsets) < 8;
  }

  foldedOnce(): FoldedOnce {
    const rewardsBefore = (offset: number): number => countBefore(this.rewardOffsets, offset);
    const wrong = this.tunings.filter(({ learnedRewards, eventOffset }) => {
      const most = rewardsBefore(eventOffset);
      return learnedRewards > most || learnedRewards < most - countBefore(this.sparedOffsets, eventOffset);
    });
    return {
      learnedRewards: this.tunings.at(-1)?.learnedRewards ?? 0,
      wrong: wrong.map(
        ({ learnedRewards, eventOffset }) =>
          `at offset ${eventOffset} the trainer tells ${learnedRewards} rewards, the log has ${rewardsBefore(eventOffset)}`,
      ),
    };
  }

  /** From when a request was to be sent to its first decision's own time stamp, the latest of all. */
  latestDecisionMs(ledger: Ledger): number {
    let latestMs = 0;
    for (const [requestId, { decidedAtMs }] of this.decisions) {
      const sent = ledger.requests.get(requestId);
      if (sent) latestMs = Math.max(latestMs, decidedAtMs - sent.sentWallMs);
    }
    return latestMs;
  }

  private read<T>(topic: Topic<T>, take: (value: T, record: LogRecord) => void): Promise<void> {
    return this.readRaw(topic.name, this.partitionsOf(topic), (record) => {
      const read = readRow(topic, record);
      // What the scenario has thrown there is none of ours.
      if (read.kind === 'row') take(read.value, record);
    });
  }

  private partitionsOf({ partitions }: { readonly partitions: 'requestPath' | 'one' }): number {
    return partitions === 'one' ? 1 : this.cluster.partitions;
  }

  private async readRaw(name: string, partitions: number, take: (record: LogRecord) => void): Promise<void> {
    const { broker } = this.cluster.home;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    // Together: what is asked for every half second by whoever waits costs those that are waited for.
    const ranges = await Promise.all(numbers.map((partition) => broker.offsets({ topic: name, partition })));
    for (const [partition, { earliest, end }] of ranges.entries()) {
      const place = `${name}/${partition}`;
      const from = Math.max(earliest, this.nextOffsets.get(place) ?? 0);
      if (from >= end) continue;
      for await (const records of broker.read({ topic: name, partition }, { from, to: end })) records.forEach(take);
      this.nextOffsets.set(place, end);
    }
  }
}

/** Counts a record of an id; true for its first. */
function count(of: Map<string, Copies>, id: string, { partition }: LogRecord): boolean {
  const copies = of.get(id);
  if (!copies) {
    of.set(id, { count: 1, partitions: new Set([partition]) });
    return true;
  }
  copies.count += 1;
  copies.partitions.add(partition);
  return false;
}

function excess(of: ReadonlyMap<string, Copies>): number {
  let records = 0;
  for (const { count: copies } of of.values()) records += copies - 1;
  return records;
}

/** How many of these offsets, ascending, are below `offset`. */
function countBefore(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
