/** Turns what kafkajs decoded of one partition into records, and says where to read on. */
import { dictionaryOf } from '../../dictionary';
import type { Headers, LogRecord } from '../../ports/broker';
import type { FetchedMessage, FetchedPartitionData } from './kafka-client';

const noHeaders: Headers = Object.freeze({});

export interface FetchedRecords {
  readonly records: readonly LogRecord[];
  /** Next offset to read. Beyond the last record where compaction or control records leave a gap; `from` when nothing came. */
  readonly next: number;
  /** One past the last offset that may be read now (open transactions hide what follows). */
  readonly end: number;
}

/** Records from offset `from` on: a batch on disk may begin earlier. */
export function fetchedRecords(topic: string, data: FetchedPartitionData, from: number): FetchedRecords {
  const { messages, partition } = data;
  const stable = Number(data.lastStableOffset ?? -1);
  const end = stable >= 0 ? stable : Number(data.highWatermark);
  const last = messages.at(-1);
  if (!last) return { records: [], next: from, end };
  const aborted = abortedRecords(data);
  const records: LogRecord[] = [];
  for (const message of messages) {
    const offset = Number(message.offset);
    if (offset < from || message.isControlRecord || aborted?.has(message)) continue;
    records.push({
      topic,
      partition,
      offset,
      timestampMs: Number(message.timestamp),
      key: message.key === null ? null : message.key.toString(),
      value: message.value,
      headers: headersOf(message.headers),
    });
  }
  // The end of the batch, not its last record: compaction may have taken the tail of it.
  const { firstOffset, lastOffsetDelta } = last.batchContext;
  return { records, next: Math.max(from, Number(firstOffset) + lastOffsetDelta + 1), end };
}

function headersOf(raw: FetchedMessage['headers']): Headers {
  let headers: Record<string, string> | null = null;
  for (const name in raw) {
    const value = raw[name];
    headers ??= dictionaryOf();
    // Of a header given several times the last one counts.
    headers[name] = (Array.isArray(value) ? value.at(-1)! : (value ?? '')).toString();
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
    while (remaining[0] && Number(remaining[0].firstOffset) <= Number(message.offset)) {
      aborting.add(remaining.shift()!.producerId);
    }
    const { producerId, inTransaction } = message.batchContext;
    // A control record ends its producer's transaction.
    if (message.isControlRecord) aborting.delete(producerId);
    else if (inTransaction && aborting.has(producerId)) records.add(message);
  }
  return records;
}
