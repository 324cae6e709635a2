/** How records, keys and numbers are laid out in the embedded store. Everything big-endian, so that bytes sort as numbers. */

import { hash } from 'node:crypto';
import { dictionaryOf } from '../../dictionary';
import type { Headers, LogRecord } from '../../ports/broker';

const idBytes = 4;
const numberBytes = 8;
const prefixBytes = 2 * idBytes;

/** topic id, partition. */
export function partitionKey(topicId: number, partition: number): Buffer {
  const key = Buffer.allocUnsafe(prefixBytes);
  key.writeUInt32BE(topicId, 0);
  key.writeUInt32BE(partition, idBytes);
  return key;
}

/** The partition's prefix and a non-negative number: an offset, or a time in milliseconds. */
export function numberedKey(prefix: Buffer, value: number): Buffer {
  const key = Buffer.allocUnsafe(prefixBytes + numberBytes);
  prefix.copy(key);
  // Non-negative doubles sort by their bytes.
  key.writeDoubleBE(value, prefixBytes);
  return key;
}

export function numberInKey(key: Buffer): number {
  return key.readDoubleBE(prefixBytes);
}

/** What the key of a numbered or partition's entry says; null for keys of another shape. */
export function placeOfKey(key: Buffer): { topicId: number; partition: number; number: number | null } | null {
  if (key.length !== prefixBytes && key.length !== prefixBytes + numberBytes) return null;
  const number = key.length === prefixBytes ? null : numberInKey(key);
  return { topicId: key.readUInt32BE(0), partition: key.readUInt32BE(idBytes), number };
}

/** The partition's prefix and the hash of a record's key, which may be of any length. */
export function hashedKey(prefix: Buffer, recordKey: string): Buffer {
  return Buffer.concat([prefix, hash('sha1', recordKey, 'buffer')]);
}

export function numberBytesOf(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeDoubleBE(value);
  return bytes;
}

/** Of a group's position; `text` names group, topic and partition and may be of any length. */
export function positionKey(text: string): Buffer {
  return hash('sha1', text, 'buffer');
}

/** The offset (f64) and the text that the key was made of. */
export function positionValue(text: string, offset: number): Buffer {
  return Buffer.concat([numberBytesOf(offset), Buffer.from(text)]);
}

export function decodePosition(value: Buffer): { text: string; offset: number } {
  return { text: value.toString('utf8', numberBytes), offset: value.readDoubleBE(0) };
}

/**
 * A record without its place: time (f64), length of the key + 1 or 0 for null (u32), number of headers (u16), 1 when
 * there is a value (u8); the key; name and value of each header, lengths in front (u32); the value up to the end.
 */
export function encodeRecord(record: LogRecord): Buffer {
  const bytes = Buffer.allocUnsafe(encodedBytesOf(record));
  encodeRecordInto(bytes, record);
  return bytes;
}

/** `bytes` has the length of the encoded record. */
export function encodeRecordInto(bytes: Buffer, record: LogRecord): void {
  const keyBytes = record.key === null ? 0 : Buffer.byteLength(record.key);
  bytes.writeDoubleBE(record.timestampMs, 0);
  bytes.writeUInt32BE(record.key === null ? 0 : keyBytes + 1, 8);
  bytes.writeUInt8(record.value === null ? 0 : 1, 14);
  let at = fixedBytes;
  if (record.key !== null) at += bytes.write(record.key, at);
  let headers = 0;
  for (const name in record.headers) {
    headers++;
    for (const text of [name, record.headers[name]!]) {
      const written = bytes.write(text, at + idBytes);
      bytes.writeUInt32BE(written, at);
      at += idBytes + written;
    }
  }
  bytes.writeUInt16BE(headers, 12);
  record.value?.copy(bytes, at);
}

/** Length of the encoded record. */
export function encodedBytesOf(record: LogRecord): number {
  let size = fixedBytes + (record.key === null ? 0 : Buffer.byteLength(record.key)) + (record.value?.length ?? 0);
  for (const name in record.headers) {
    size += 2 * idBytes + Buffer.byteLength(name) + Buffer.byteLength(record.headers[name]!);
  }
  return size;
}

const fixedBytes = 15;
/** No encoded record is shorter. */
export const leastRecordBytes = fixedBytes;
const noHeaders: Headers = Object.freeze({});

export function decodeRecord(topic: string, partition: number, offset: number, bytes: Buffer): LogRecord {
  const keyLength = bytes.readUInt32BE(8) - 1;
  const headerCount = bytes.readUInt16BE(12);
  let at = fixedBytes;
  const key = keyLength < 0 ? null : bytes.toString('utf8', at, at + keyLength);
  at += Math.max(0, keyLength);
  const text = (): string => {
    const start = at + idBytes;
    at = start + bytes.readUInt32BE(at);
    return bytes.toString('utf8', start, at);
  };
  let headers = noHeaders;
  if (headerCount > 0) {
    headers = dictionaryOf(Array.from({ length: headerCount }, () => [text(), text()] as const));
  }
  const value = bytes.readUInt8(14) === 0 ? null : bytes.subarray(at);
  return { topic, partition, offset, timestampMs: timestampOf(bytes), key, value, headers };
}

/** Time of an encoded record without decoding the rest. */
export function timestampOf(bytes: Buffer): number {
  return bytes.readDoubleBE(0);
}
