/** What a record weighs on the broker: checked where it is made, so that no write is refused for the size of a record. */
import type { OutgoingRecord } from '../ports/broker';

/** More than any broker of ours adds around one record, and around one header. */
const recordOverheadBytes = 256;
const headerOverheadBytes = 16;

/** An upper bound of the bytes that count against a topic's `maxRecordBytes`. */
export function sizeOf({ key, value, headers }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = recordOverheadBytes + (value?.length ?? 0) + (key === null ? 0 : Buffer.byteLength(key));
  if (headers === undefined) return bytes;
  for (const name in headers)
    bytes += headerOverheadBytes + Buffer.byteLength(name) + Buffer.byteLength(headers[name]!);
  return bytes;
}

/** A record or a row is larger than its topic takes. The message names topic and sizes, nothing of the content. */
export class OversizedRecordError extends Error {
  constructor(topic: string, bytes: number, maxBytes: number) {
    super(`a record of ${bytes} bytes for ${topic}, which takes ${maxBytes}`);
    this.name = 'OversizedRecordError';
  }
}
