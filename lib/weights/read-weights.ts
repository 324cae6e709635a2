/** Which weights there are, as the log has it: for whoever asks from outside the trainer. */
import type { Broker } from '../ports/broker';
import type { WeightsPublished, WeightsVersion } from '../topics/generated/messages';
import { readTable } from '../topics/read-table';
import { topics } from '../topics/topics';

export interface KnownWeights {
  /** Null before the first. */
  readonly inForce: WeightsPublished | null;
  /** Newest first: by sequence, those that never were in force by the log they have seen. */
  readonly versions: readonly WeightsVersion[];
}

/** The topics must exist. */
export async function readWeights(broker: Broker, topicPrefix: string): Promise<KnownWeights> {
  const published = await readTable(broker, topics.weightsPublished, topicPrefix);
  const versions = await readTable(broker, topics.weightsVersions, topicPrefix);
  return { inForce: published.get('current') ?? null, versions: newestFirst([...versions.values()]) };
}

export function newestFirst(versions: readonly WeightsVersion[]): WeightsVersion[] {
  return [...versions].sort((a, b) => b.changedAtMs - a.changedAtMs || b.weights.sequence - a.weights.sequence);
}

/** Fewer characters of a hash are taken for a slip. */
const leastPrefix = 4;

export type FoundVersion =
  | { readonly version: WeightsVersion }
  /** Why there is none, for a person to read. */
  | { readonly version: null; readonly why: string };

/** The version of this hash, or of the only hash that begins so. */
export function findVersion(versions: Iterable<WeightsVersion>, start: string): FoundVersion {
  if (start.length < leastPrefix) return { version: null, why: `${start}: give at least ${leastPrefix} characters` };
  const found = [...versions].filter(({ weights }) => weights.policySha256.startsWith(start));
  const [first, second] = found;
  if (!first) return { version: null, why: `no version begins with ${start}` };
  if (second) return { version: null, why: `${found.length} versions begin with ${start}: give more characters` };
  return { version: first };
}
