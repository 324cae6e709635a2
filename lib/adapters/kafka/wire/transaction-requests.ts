/**
 * Requests of transactions that kafkajs knows only in versions that are too old to fence with: InitProducerId that names the
 * producer it succeeds (KIP-360), TxnOffsetCommit that names the member and its generation (KIP-447), and OffsetFetch that
 * waits for the end of transactions. Kafka has these three since 2.5. EndTxn that answers with a fresh epoch, and the question
 * whether a cluster has that (`transaction.version` 2, KIP-890), are those of Kafka 4.
 */
import { type ErrorOfCode, type OwnRequest, ownRequest } from './own-request';

export interface ProducerIdAndEpoch {
  readonly producerId: string;
  readonly producerEpoch: number;
}

/**
 * Ends what is open of a transactional id, and gives its next owner an epoch that fences all earlier ones. With `succeeds`
 * it is refused unless that is the owner still, or was the one before this very request.
 */
export function initProducerId(
  of: {
    readonly transactionalId: string;
    readonly transactionTimeoutMs: number;
    readonly succeeds: ProducerIdAndEpoch | null;
  },
  errorOf: ErrorOfCode,
): OwnRequest<ProducerIdAndEpoch> {
  const { transactionalId, transactionTimeoutMs, succeeds } = of;
  return ownRequest(22, 3, 'InitProducerId', errorOf, {
    write: (out) => {
      out.text(transactionalId);
      out.int32(transactionTimeoutMs);
      out.int64(succeeds?.producerId ?? -1);
      out.int16(succeeds?.producerEpoch ?? -1);
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      const errorCode = bytes.int16();
      return {
        clientSideThrottleTime,
        errorCode,
        producerId: bytes.int64().toString(),
        producerEpoch: bytes.int16(),
      };
    },
  });
}

/** Adds the positions of one partition number to a transaction, if the member and its generation are still those of the group. */
export function commitInTransaction(
  of: ProducerIdAndEpoch & {
    readonly transactionalId: string;
    /** The group joins the transaction with this request (`transaction.version` 2), and was not added to it before. */
    readonly joins: boolean;
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly partition: number;
    /** Next offset to read, by topic. */
    readonly positions: ReadonlyMap<string, number>;
  },
  errorOf: ErrorOfCode,
): OwnRequest<unknown> {
  return ownRequest(28, of.joins ? 5 : 3, 'TxnOffsetCommit', errorOf, {
    write: (out) => {
      out.text(of.transactionalId);
      out.text(of.groupId);
      out.int64(of.producerId);
      out.int16(of.producerEpoch);
      out.int32(of.generationId);
      out.text(of.memberId);
      out.text(null);
      out.array([...of.positions], ([topic, offset]) => {
        out.text(topic);
        out.array([of.partition], (partition) => {
          out.int32(partition);
          out.int64(offset);
          // No leader epoch.
          out.int32(-1);
          out.text(null);
          out.noTags();
        });
        out.noTags();
      });
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      let errorCode = 0;
      bytes.array(() => {
        bytes.text();
        bytes.array(() => {
          bytes.int32();
          const ofPartition = bytes.int16();
          errorCode ||= ofPartition;
          bytes.skipTags();
        });
        bytes.skipTags();
      });
      return { clientSideThrottleTime, errorCode };
    },
  });
}

/** Committed positions of one partition number, by topic; -1 for none. Fails while a transaction may still change them. */
export function stablePositions(
  of: { readonly groupId: string; readonly topics: readonly string[]; readonly partition: number },
  errorOf: ErrorOfCode,
): OwnRequest<{ readonly positions: ReadonlyMap<string, number> }> {
  return ownRequest(9, 7, 'OffsetFetch', errorOf, {
    write: (out) => {
      out.text(of.groupId);
      out.array(of.topics, (topic) => {
        out.text(topic);
        out.array([of.partition], (partition) => out.int32(partition));
        out.noTags();
      });
      out.boolean(true);
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      const positions = new Map<string, number>();
      let errorCode = 0;
      bytes.array(() => {
        const topic = bytes.text()!;
        bytes.array(() => {
          bytes.int32();
          positions.set(topic, Number(bytes.int64()));
          bytes.int32();
          bytes.text();
          const ofPartition = bytes.int16();
          errorCode ||= ofPartition;
          bytes.skipTags();
        });
        bytes.skipTags();
      });
      return { clientSideThrottleTime, errorCode: errorCode || bytes.int16(), positions };
    },
  });
}

/**
 * Ends a transaction of `transaction.version` 2. What comes next has another epoch, which is the answer, also where the
 * transaction had been ended by an earlier try of the same request. With `commits: false` there need be nothing to end.
 */
export function endTransaction(
  of: ProducerIdAndEpoch & { readonly transactionalId: string; readonly commits: boolean },
  errorOf: ErrorOfCode,
): OwnRequest<ProducerIdAndEpoch> {
  return ownRequest(26, 5, 'EndTxn', errorOf, {
    write: (out) => {
      out.text(of.transactionalId);
      out.int64(of.producerId);
      out.int16(of.producerEpoch);
      out.boolean(of.commits);
      out.noTags();
    },
    read: (bytes) => ({
      clientSideThrottleTime: bytes.int32(),
      errorCode: bytes.int16(),
      producerId: bytes.int64().toString(),
      producerEpoch: bytes.int16(),
    }),
  });
}

/** The `transaction.version` that a cluster has agreed on; 0 where it knows of none. */
export function transactionVersion(errorOf: ErrorOfCode): OwnRequest<{ readonly version: number }> {
  const finalizedFeatures = 2;
  return ownRequest(18, 3, 'ApiVersions', errorOf, {
    hasPlainAnswer: true,
    write: (out) => {
      out.text('quantum-router');
      out.text('1');
      out.noTags();
    },
    read: (bytes) => {
      const errorCode = bytes.int16();
      bytes.array(() => {
        for (let numbers = 0; numbers < 3; numbers++) bytes.int16();
        bytes.skipTags();
      });
      const clientSideThrottleTime = bytes.int32();
      let version = 0;
      bytes.tags((tag) => {
        if (tag !== finalizedFeatures) return;
        bytes.array(() => {
          const name = bytes.text();
          const level = bytes.int16();
          bytes.int16();
          bytes.skipTags();
          if (name === 'transaction.version') version = level;
        });
      });
      return { clientSideThrottleTime, errorCode, version };
    },
  });
}
