/** What an answer to a fetch request holds. */
/** Offsets of a batch that nobody can read, both inclusive, and why. */
export interface UnreadableBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly reason: string;
}

/** A decoded record, as record-batch.ts hands it out of a fetch. */
export interface FetchedMessage {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | undefined>>;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedPartitionData {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly messages: readonly FetchedMessage[];
  /** Batches among them that nobody can read. */
  readonly unreadable?: readonly UnreadableBatch[];
  /** One past the last offset of what came; null or absent when nothing did. */
  readonly nextOffset?: number | null;
  /** Why nothing of this partition could be read; a kafkajs error. The other partitions are not concerned. */
  readonly error?: Error;
}
