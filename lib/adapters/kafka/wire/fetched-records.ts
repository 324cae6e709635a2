/** Turns what kafkajs decoded of one partition into records, and says where to read on. */
import { dictionaryOf } from '../../../dictionary';
import type { Headers, LogRecord } from '../../../ports/broker';
import type { FetchedMessage, FetchedPartitionData, UnreadableBatch } from './fetched-data';

const noHeaders: Headers = Object.freeze({});
const nothingUnreadable: readonly UnreadableBatch[] = [];

export interface FetchedRecords {
  readonly records: readonly LogRecord[];
  /** Next offset to read. Beyond the last record where compaction or control records leave a gap; `from` when nothing came. */
  readonly next: number;
  /** One past the last offset that may be read now (open transactions hide what follows). */
  readonly end: number;
  /** Batches that were passed over, since nobody can read them. */
  readonly unreadable: readonly UnreadableBatch[];
}

/** Records from offset `from` on: a batch on disk may begin earlier. */
export function fetchedRecords(topic: string, data: FetchedPartitionData, from: number): FetchedRecords {
  const { messages, partition } = data;
  const stable = Number(data.lastStableOffset ?? -1);
  const end = stable >= 0 ? stable : Number(data.highWatermark);
  const aborted = abortedRecords(data);
  const records: LogRecord[] = [];
  for (const message of messages) {
    const { offset, timestamp, key, value, headers } = message;
    if (offset < from || message.isControlRecord || aborted?.has(message)) continue;
    records.push({
      topic,
      partition,
      offset,
      timestampMs: timestamp,
      key: key === null ? null : key.toString(),
      value,
      headers: headersOf(headers),
    });
  }
  const nextOffset = data.nextOffset ?? from;
  const damaged = data.unreadable ?? nothingUnreadable;
  if (damaged.length > 0 && nextOffset <= from) {
    // A damaged batch that does not say how far it goes: one offset at a time.
    const unreadable = [{ firstOffset: from, lastOffset: from, reason: damaged[0]!.reason }];
    return { records, next: from + 1, end, unreadable };
  }
  const unreadable = damaged.filter(({ lastOffset }) => lastOffset >= from);
  // The end of the last batch, not its last record: compaction may have taken the tail of it.
  return { records, next: Math.max(from, nextOffset), end, unreadable };
}

function headersOf(raw: FetchedMessage['headers']): Headers {
  let headers: Record<string, string> | null = null;
  for (const name in raw) {
    headers ??= dictionaryOf();
    headers[name] = raw[name]?.toString() ?? '';
  }
  return headers ?? noHeaders;
}

/** The records of foreign transactions that were aborted; null when there are none. */
function abortedRecords(data: FetchedPartitionData): Set<FetchedMessage> | null {
  if (!data.abortedTransactions || data.abortedTransactions.length === 0) return null;
  const remaining = [...data.abortedTransactions].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const aborting = new Set<string>();
  const records = new Set<FetchedMessage>();
  for (const message of data.messages) {
    while (remaining[0] && Number(remaining[0].firstOffset) <= message.offset) {
      aborting.add(remaining.shift()!.producerId);
    }
    const { producerId, inTransaction } = message.batchContext;
    // A control record ends its producer's transaction.
    if (message.isControlRecord) aborting.delete(producerId);
    else if (inTransaction && aborting.has(producerId)) records.add(message);
  }
  return records;
}
