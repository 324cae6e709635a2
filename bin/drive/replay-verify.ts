/** `replay --verify` over the partitions of the request path, one after the other. */
import { createLoggedWeights } from '../../lib/replay/logged-weights';
import { type Bound, type OffsetSpan, ReplayRangeError, spanOf } from '../../lib/replay/range';
import {
  addCounts,
  type LocatedDifference,
  noCounts,
  type VerifyCounts,
  verifyPartition,
} from '../../lib/replay/verify';
import type { Log } from '../../lib/telemetry/log';
import { topics } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';

export interface VerifyRangeOptions {
  readonly home: Pick<EngineHome, 'broker' | 'topicPrefix'>;
  readonly from: Bound;
  readonly to: Bound;
  /** Null: all. */
  readonly partition: number | null;
  /** Judge learned threads again too, with the weights in the log. */
  readonly withLearned: boolean;
  readonly log: Log;
  readonly onDifference: (difference: LocatedDifference) => void;
  /** Records of route.decided in the range that are done, and all of them. */
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface VerifiedRange extends VerifyCounts {
  /** Offsets of route.decided. */
  readonly ranges: readonly (OffsetSpan & { readonly partition: number })[];
}

/** Throws a ReplayRangeError for a range that cannot be read or has no decision in it. */
export async function verifyRange(options: VerifyRangeOptions): Promise<VerifiedRange> {
  const { broker, topicPrefix } = options.home;
  const ranges = await rangesOf(options);
  const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  if (total === 0) throw new ReplayRangeError('there are no decisions in this range');
  const loadWeights = options.withLearned ? createLoggedWeights({ broker, topicPrefix, log: options.log }) : null;
  const counts = noCounts();
  let done = 0;
  options.onProgress(done, total);
  for (const { partition, from, to } of ranges) {
    const before = done;
    const found = await verifyPartition({
      broker,
      topicPrefix,
      partition,
      span: { from, to },
      loadWeights,
      onDifference: options.onDifference,
      onProgress: (inPartition) => options.onProgress(before + inPartition, total),
      signal: options.signal,
    });
    done += to - from;
    addCounts(counts, found);
    options.onProgress(done, total);
  }
  return { ...counts, ranges };
}

async function rangesOf(options: VerifyRangeOptions): Promise<VerifiedRange['ranges']> {
  const { broker, topicPrefix } = options.home;
  const name = topicPrefix + topics.routeDecided.name;
  const topic = (await broker.listTopics()).find((one) => one.name === name);
  if (!topic) throw new ReplayRangeError(`there is no topic ${name}: nothing was ever decided here`);
  const { partition } = options;
  if (partition !== null && partition >= topic.partitions)
    throw new ReplayRangeError(`${name} has no partition ${partition}: it has ${topic.partitions}`);
  const partitions = partition === null ? Array.from({ length: topic.partitions }, (_, i) => i) : [partition];
  const ranges: (OffsetSpan & { partition: number })[] = [];
  for (const one of partitions) {
    ranges.push({
      partition: one,
      ...(await spanOf(broker, { topic: name, partition: one }, options.from, options.to)),
    });
  }
  return ranges;
}
