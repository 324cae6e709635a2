/**
 * Which partitions may probe a breaker that is half open. Instances do not know of each other's probes, and one that hangs says
 * nothing for a minute: if all probed, each of them would lose requests to it. So the partitions take turns. Whose turn it is
 * follows from what is on the log, and a partition has one owner, who knows what it has sent.
 */
import type { RouterConfig } from '../../config/router-config';
import { murmur2 } from '../../topics/partition-of';

/** A partition of the request path. */
export interface PartitionPlace {
  readonly partition: number;
  readonly partitions: number;
}

export interface ProbeTurn {
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  /** Whether this partition may probe. */
  readonly isOwn: boolean;
  /** Of the partitions, those that may. */
  readonly share: number;
}

interface Probed {
  readonly provider: string;
  /** Since when it may be probed, milliseconds since the epoch. */
  readonly sinceMs: number;
}

/**
 * The first turn belongs to `probeShare` of the partitions, one at least, and lasts `openMs`. Every other is twice as long as the one
 * before it, and belongs to twice as many partitions, the next ones in order: where the first have no requests, or nobody reports
 * what came of their probes, others soon follow. Who begins is another one each time.
 */
export function probeTurnAt(
  nowMs: number,
  { provider, sinceMs }: Probed,
  { openMs, probeShare }: Pick<RouterConfig['breaker'], 'openMs' | 'probeShare'>,
  { partition, partitions }: PartitionPlace,
): ProbeTurn {
  const unitMs = Math.max(1, openMs);
  const doubled = 2 ** Math.floor(Math.log2(1 + Math.max(0, nowMs - sinceMs) / unitMs));
  const startedMs = sinceMs + (doubled - 1) * unitMs;
  const first = Math.max(1, Math.floor(partitions * probeShare));
  const size = first * doubled;
  if (size >= partitions) return { startedMs, isOwn: true, share: 1 };
  const begins = (murmur2(Buffer.from(`${provider}/${sinceMs}`)) >>> 0) % partitions;
  const before = size - first;
  const place = (partition - begins - before + 2 * partitions) % partitions;
  return { startedMs, isOwn: place < size, share: size / partitions };
}
