/** Decodes answers to fetch requests, in place of kafkajs: see record-batch.ts for why. An error of one partition stays with it. */

import { FixedReader } from '../fixed-reader';
import type { FetchedPartitionData } from './fetched-data';
import { decodeBatches, type UnpackBudget, unpackBudget } from './record-batch';

export interface FetchResponse {
  /** Read by kafkajs, which waits so long before it sends the next request on this connection. */
  readonly clientSideThrottleTime: number;
  /** Of the request as a whole; 0 for none. */
  readonly errorCode: number;
  /** Without topics when the broker slows this client down. */
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartitionData[] }[];
}

/** Versions 4 to 11 of the answer. `errorOf` makes an error of Kafka's code. Throws when the bytes are not such an answer. */
export async function decodeFetchResponse(
  bytes: Buffer,
  version: number,
  errorOf: (code: number) => Error,
): Promise<FetchResponse> {
  if (version < 4) throw new Error('this Kafka is too old: 0.11 or newer is needed');
  const reader = new FetchReader(bytes);
  const clientSideThrottleTime = reader.int32();
  const errorCode = version >= 7 ? reader.int16() : 0;
  if (version >= 7) reader.int32();
  const budget = unpackBudget();
  const responses = await reader.array(async () => ({
    topicName: reader.string(),
    partitions: await reader.array(() => partitionOf(reader, version, errorOf, budget)),
  }));
  return { clientSideThrottleTime, errorCode, responses };
}

async function partitionOf(
  reader: FetchReader,
  version: number,
  errorOf: (code: number) => Error,
  budget: UnpackBudget,
): Promise<FetchedPartitionData> {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  if (version >= 5) reader.int64();
  const abortedTransactions = await reader.array(async () => ({
    producerId: reader.int64().toString(),
    firstOffset: reader.int64().toString(),
  }));
  if (version >= 11) reader.int32();
  const decoded = await decodeBatches(reader.bytes(), budget);
  return {
    partition,
    highWatermark: highWatermark.toString(),
    lastStableOffset: lastStableOffset.toString(),
    abortedTransactions,
    ...decoded,
    ...(errorCode !== 0 && { error: errorOf(errorCode) }),
  };
}

class FetchReader extends FixedReader {
  string(): string {
    const length = this.int16();
    this.at += length;
    return this.buffer.toString('utf8', this.at - length, this.at);
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  async array<T>(item: () => Promise<T>): Promise<T[]> {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(await item());
    return items;
  }
}
