/**
 * Recomputes every decision of a range from the log alone. A decision names the offsets it was made from, so it is joined
 * with exactly the records collapse used, wherever the range was cut. What was handed on to collapse had no offset yet
 * (-1): it is the first record of the request, of the group where it is a score.
 */
import { ownEntry } from '../dictionary';
import type { Broker, LogRecord, TopicPartition } from '../ports/broker';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { WeightsPointer } from '../routing/judge/weights-source';
import { createRecentIds } from '../stream/task/recent-ids';
import type { RouteDecided, RouteOpened, StrategyScored, ThreadScore } from '../topics/generated/messages';
import { topics } from '../topics/topics';
import type { Difference } from './differences';
import type { OffsetSpan } from './range';
import { decoded, openRecordWindow, type RecordWindow } from './record-window';
import { neededWeights, verifyDecision, verifyThread } from './verify-decision';

export interface LocatedDifference extends Difference {
  readonly requestId: string;
  readonly partition: number;
  /** Of the decision in `route.decided`. */
  readonly offset: number;
  /** What differs: the decision, or one of its threads by strategy. */
  readonly of: string;
}

export interface VerifyCounts {
  /** Records read, of all three topics. */
  records: number;
  /** First records per id in the range. */
  decisions: number;
  verified: number;
  /** Decisions that differ in themselves or in a thread. */
  different: number;
  /** Decisions whose opened or scored record is gone. */
  outsideRange: number;
  /** Later records of a decision that was there before. */
  duplicates: number;
  undecodable: number;
  threads: ThreadCounts;
}

export interface ThreadCounts {
  recomputed: number;
  different: number;
  /** Learned threads, when they were not asked for. */
  skipped: number;
  /** Threads whose weights are not in the log, or whose strategy is unknown here. */
  unverifiable: number;
}

export interface VerifyOptions {
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly partition: number;
  /** Offsets of route.decided. */
  readonly span: OffsetSpan;
  /** Where weights come from; null leaves threads that need them out. A null basis is the one the policy names. */
  readonly loadWeights: ((pointer: WeightsPointer) => Promise<LearnedPolicy | null>) | null;
  readonly onDifference: (difference: LocatedDifference) => void;
  /** Called with the decisions done so far, duplicates included, chunk by chunk. */
  readonly onProgress: (done: number) => void;
  /** Ends the reading with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Few: what is decoded together and used soon dies young, and the collector never copies it. */
const chunkRecords = 100;
/** Records before the range that are looked at: for first records of ids, and for what the first decisions were made from. */
const lookBackRecords = 1_000;
/** Records that a window begins before the newest one the first decisions name; older ones are read one by one. */
const maxWindowRecords = 20_000;
const rememberedIds = 100_000;
/** What was handed on lies about so far before the decision at most; what lies further is looked for everywhere. */
const handedOnWithinMs = 10_000;

/** Verifies one partition. Rejects when the log cannot be read. */
export async function verifyPartition(options: VerifyOptions): Promise<VerifyCounts> {
  const run = new Verification(options);
  try {
    return await run.all();
  } finally {
    await run.close();
  }
}

export function noCounts(): VerifyCounts {
  return {
    records: 0,
    decisions: 0,
    verified: 0,
    different: 0,
    outsideRange: 0,
    duplicates: 0,
    undecodable: 0,
    threads: { recomputed: 0, different: 0, skipped: 0, unverifiable: 0 },
  };
}

export function addCounts(total: VerifyCounts, more: VerifyCounts): void {
  for (const key of Object.keys(total.threads) as (keyof ThreadCounts)[]) total.threads[key] += more.threads[key];
  for (const key of Object.keys(total) as (keyof VerifyCounts)[]) if (key !== 'threads') total[key] += more[key];
}

interface Windows {
  readonly opened: RecordWindow<RouteOpened>;
  readonly scored: RecordWindow<StrategyScored>;
}

type Decision = { readonly decided: RouteDecided; readonly offset: number };
type Sources = { readonly opened: RouteOpened; readonly scored: readonly StrategyScored[] };

const openedTopic = topics.routeOpened.name;
const scoredPrefix = `${topics.strategyScored.name}/`;

class Verification {
  private readonly counts = noCounts();
  private readonly decidedIds = createRecentIds(rememberedIds);
  private readonly openedIds = createRecentIds(rememberedIds);
  /** Offsets of opened records whose id was there before: no decision may rest on one. */
  private readonly repeatedOpened = createRecentIds(rememberedIds);
  private windows: Windows | null = null;

  constructor(private readonly options: VerifyOptions) {}

  async all(): Promise<VerifyCounts> {
    const { broker, span, signal, onProgress } = this.options;
    const of = this.at(topics.routeDecided.name);
    const { earliest } = await broker.offsets(of);
    const from = Math.max(earliest, span.from - lookBackRecords);
    for await (const records of broker.read(of, { from, to: span.to, maxRecords: chunkRecords })) {
      signal.throwIfAborted();
      this.counts.records += records.length;
      const decisions = this.firstsOf(records);
      this.windows ??= decisions.length > 0 ? await this.openWindows(decisions) : null;
      for (const decision of decisions) await this.verify(decision);
      onProgress(Math.max(0, records.at(-1)!.offset + 1 - span.from));
    }
    return this.counts;
  }

  async close(): Promise<void> {
    await Promise.all([this.windows?.opened.close(), this.windows?.scored.close()]);
  }

  /** The first record of each id that lies in the range. */
  private firstsOf(records: readonly LogRecord[]): Decision[] {
    const firsts: Decision[] = [];
    for (const record of records) {
      const isBefore = record.offset < this.options.span.from;
      const decided = decoded(topics.routeDecided.codec, record);
      if (!decided) {
        if (!isBefore) this.counts.undecodable++;
        continue;
      }
      const isFirst = this.decidedIds.add(decided.requestId);
      if (isBefore) continue;
      if (isFirst) firsts.push({ decided, offset: record.offset });
      else this.counts.duplicates++;
    }
    return firsts;
  }

  private async openWindows(first: readonly Decision[]): Promise<Windows> {
    const onRead = (records: number, undecodable: number): void => {
      this.counts.records += records;
      this.counts.undecodable += undecodable;
    };
    const begin = async (topic: string, positions: readonly number[]) => {
      const { earliest, end } = await this.options.broker.offsets(this.at(topic));
      const named = positions.filter((position) => position >= 0);
      if (named.length < positions.length)
        named.push(await this.options.broker.offsetAt(this.at(topic), Math.max(0, oldestMs - handedOnWithinMs)));
      const newest = named.reduce((a, b) => Math.max(a, b), earliest);
      const oldest = named.reduce((a, b) => Math.min(a, b), newest);
      return { earliest, end, from: Math.max(earliest, oldest - lookBackRecords, newest - maxWindowRecords) };
    };
    const scoredOffsets = first.flatMap(({ decided }) => scoredPositions(decided).map(([, offset]) => offset));
    const openedOffsets = first.flatMap(({ decided }) => ownEntry(decided.positions, openedTopic) ?? []);
    const oldestMs = first.reduce(
      (oldest, { decided }) => Math.min(oldest, decided.decidedAtMs),
      Number.MAX_SAFE_INTEGER,
    );
    const { broker } = this.options;
    return {
      opened: openRecordWindow({
        ...(await begin(openedTopic, openedOffsets)),
        broker,
        of: this.at(openedTopic),
        codec: topics.routeOpened.codec,
        idOf: ({ requestId }) => requestId,
        idFields: ['requestId'],
        onRead,
        onValue: ({ requestId }, offset) => {
          if (!this.openedIds.add(requestId)) this.repeatedOpened.add(String(offset));
        },
      }),
      scored: openRecordWindow({
        ...(await begin(topics.strategyScored.name, scoredOffsets)),
        broker,
        of: this.at(topics.strategyScored.name),
        codec: topics.strategyScored.codec,
        idOf: ({ requestId, group }) => scoredIdOf(requestId, group),
        idFields: ['requestId', 'group'],
        onRead,
      }),
    };
  }

  private async verify({ decided, offset }: Decision): Promise<void> {
    const { counts } = this;
    counts.decisions++;
    const sources = await this.sourcesOf(decided);
    if (sources === 'gone') {
      counts.outsideRange++;
      return;
    }
    const found = Array.isArray(sources) ? sources : await this.recompute(decided, sources);
    if (found.length === 0) {
      counts.verified++;
      return;
    }
    counts.different++;
    const { requestId } = decided;
    for (const difference of found) {
      this.options.onDifference({ requestId, partition: this.options.partition, offset, ...difference });
    }
  }

  private async recompute(
    decided: RouteDecided,
    { opened, scored }: Sources,
  ): Promise<(Difference & { of: string })[]> {
    const found = verifyDecision(decided, opened, scored).map((difference) => ({ of: 'decision', ...difference }));
    const { threads } = this.counts;
    for (const { threads: scores } of scored) {
      for (const thread of scores) {
        const differences = await this.judgeAgain(thread, opened);
        if (differences === null) continue;
        threads.recomputed++;
        if (differences.length > 0) threads.different++;
        for (const difference of differences) found.push({ of: thread.strategy, ...difference });
      }
    }
    return found;
  }

  /** Null where it cannot or shall not be. */
  private async judgeAgain(thread: ThreadScore, opened: RouteOpened): Promise<Difference[] | null> {
    const { threads } = this.counts;
    const { loadWeights } = this.options;
    const needed = neededWeights(thread, opened);
    if (needed && !loadWeights) {
      threads.skipped++;
      return null;
    }
    const learned = needed && (await loadWeights!(needed));
    const differences = needed && !learned ? null : verifyThread(thread, opened, learned);
    if (differences === null) threads.unverifiable++;
    return differences;
  }

  /** What the decision was made from; what is wrong with what it says of that; or that it is gone. */
  private async sourcesOf(decided: RouteDecided): Promise<Sources | (Difference & { of: string })[] | 'gone'> {
    const { opened: openedWindow, scored: scoredWindow } = this.windows!;
    const at = ownEntry(decided.positions, openedTopic);
    if (at === undefined) return wrongPosition(openedTopic, at, 'the offset of an opened record');
    const opened = await (at < 0 ? openedWindow.find(decided.requestId) : openedWindow.take(at));
    if (opened === 'gone') return 'gone';
    if (opened === 'absent' || opened.value.requestId !== decided.requestId)
      return wrongPosition(openedTopic, at, 'the offset of the opened record of this request');
    if (at >= 0 && this.repeatedOpened.has(String(at)))
      return wrongPosition(openedTopic, at, 'the offset of the first opened record of this request');
    const scored: StrategyScored[] = [];
    for (const [name, offset] of scoredPositions(decided)) {
      const record = await (offset < 0
        ? scoredWindow.find(scoredIdOf(decided.requestId, name.slice(scoredPrefix.length)))
        : scoredWindow.take(offset));
      if (record === 'gone') return 'gone';
      if (record === 'absent' || record.value.requestId !== decided.requestId)
        return wrongPosition(name, offset, 'the offset of a scored record of this request');
      scored.push(record.value);
    }
    return { opened: opened.value, scored };
  }

  private at(topic: string): TopicPartition {
    return { topic: this.options.topicPrefix + topic, partition: this.options.partition };
  }
}

function scoredIdOf(requestId: string, group: string): string {
  return `${requestId}/${group}`;
}

/** In the order in which collapse took the records up. */
function scoredPositions({ positions }: RouteDecided): [string, number][] {
  return Object.entries(positions).filter(([name]) => name.startsWith(scoredPrefix));
}

function wrongPosition(name: string, recorded: unknown, recomputed: string): (Difference & { of: string })[] {
  return [{ of: 'decision', field: `positions.${name}`, recorded, recomputed }];
}
