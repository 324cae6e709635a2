/** The part of a log that a replay is about, as people write it: `earliest`, `end`, an offset or a time. */
import type { Broker, TopicPartition } from '../ports/broker';
import { isoTimeMs } from '../topics/calendar-time';

export type Bound =
  | { readonly kind: 'earliest' | 'end' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timeMs: number };

/** `from` is inclusive, `to` exclusive. */
export interface OffsetSpan {
  readonly from: number;
  readonly to: number;
}

/** A range that cannot be read, in words that say what can. */
export class ReplayRangeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ReplayRangeError';
  }
}

/** Whole numbers from here on are milliseconds since the epoch (March 1973); below they are offsets. */
const leastTimeMs = 100_000_000_000;

/** Null where it is none of these. An ISO 8601 time without a zone is UTC. */
export function boundOf(text: string): Bound | null {
  if (text === 'earliest' || text === 'end') return { kind: text };
  if (/^\d{1,16}$/.test(text)) {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) return null;
    return value >= leastTimeMs ? { kind: 'time', timeMs: value } : { kind: 'offset', offset: value };
  }
  const timeMs = isoTimeMs(text);
  return timeMs === null ? null : { kind: 'time', timeMs };
}

/**
 * Offsets of one partition. A time stands for its first record at that time or later. Throws a ReplayRangeError for offsets
 * that the log does not have and for a range that ends before it begins; an empty one is returned as it is.
 */
export async function spanOf(broker: Broker, of: TopicPartition, from: Bound, to: Bound): Promise<OffsetSpan> {
  const kept = await broker.offsets(of);
  const offsetOf = async (bound: Bound): Promise<number> => {
    switch (bound.kind) {
      case 'earliest':
        return kept.earliest;
      case 'end':
        return kept.end;
      case 'time':
        return broker.offsetAt(of, bound.timeMs);
      case 'offset':
        if (bound.offset >= kept.earliest && bound.offset <= kept.end) return bound.offset;
        throw new ReplayRangeError(
          `${nameOf(of)} has no offset ${bound.offset}: it keeps ${kept.earliest} (earliest) up to ${kept.end} (end)`,
        );
    }
  };
  const span = { from: await offsetOf(from), to: await offsetOf(to) };
  if (span.from > span.to || (from.kind === 'time' && to.kind === 'time' && from.timeMs > to.timeMs)) {
    throw new ReplayRangeError(`the range of ${nameOf(of)} ends before it begins: from ${span.from} to ${span.to}`);
  }
  return span;
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}[${partition}]`;
}
