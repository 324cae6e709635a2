/** Which tables a store has, the length of their keys, and which formats there are. */

/** What this version writes: pages of 4 kB, a checksum in front of each value, records of a commit together (record-batch.ts). */
export const currentFormat = 3;
/** As the present one, but each record by itself: read and gone on with as it is. Its versions cannot read what this one writes. */
const secondFormat = 2;
/** Pages of 16 kB, no checksums. */
export const firstFormat = 1;
export const readableFormats: readonly number[] = [firstFormat, secondFormat, currentFormat];
/** What can be told from the pages of a file. */
export type StoreFormat = typeof firstFormat | typeof currentFormat;

/** Of the pages of a file of the first format: tells it from this one even where `store.json` is lost. */
export const firstFormatPageBytes = 16_384;

const prefixBytes = 8;
const numberedBytes = 16;

/** Bytes of a key where all keys of a table have the same; null where they are within `keyLengths`. */
export const tables = {
  /** topic id → settings as JSON */
  topics: 4,
  /** topic id, partition, offset → record, or a batch that begins with it */
  log: numberedBytes,
  /** topic id, partition, highest time so far → offset where it was reached; every `indexEveryRecords` at most */
  times: numberedBytes,
  /** topic id, partition, hash of key → offset of the last record of that key, for records before `cleanedTo` */
  latest: prefixBytes + 20,
  /** topic id, partition, offset → nothing: the tombstones among the latest */
  tombstones: numberedBytes,
  /** topic id, partition → `cleanedTo`, the offset up to which a table has been compacted */
  cleaned: prefixBytes,
  /** hash of group, topic and partition → next offset to read, and what was hashed */
  positions: 20,
  /** key → when it expires (f64, infinity for never), value */
  'key-value': null,
  /** when it expires (f64), key → nothing; entries of values that were replaced since are stale and skipped */
  'key-value-expiries': null,
} as const;

export type TableName = keyof typeof tables;

/** Tables that can be lost without loss: a cache that refills itself. */
export const cacheTables: readonly TableName[] = ['key-value', 'key-value-expiries'];
