/** What a kafkajs error means for the adapter: try again where, or give up with what words. */
import { TransientError } from '../../ports/broker';

interface KafkaJsError extends Error {
  readonly type?: string;
  readonly code?: string | number;
  readonly retriable?: boolean;
  readonly topic?: string;
  readonly partition?: number;
}

/** `stale`: ask for metadata anew. `connection`: connect anew. `retriable`: only wait. `fatal`: trying again does not help. */
export type ErrorKind = 'stale' | 'connection' | 'retriable' | 'fatal';

const connectionNames = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSLockTimeout',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
]);

/** A plain Error of kafkajs: the socket is open, but nobody has said yet what the broker understands. */
const notConnected = 'Broker not connected';

const staleTypes = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
]);

const lostMembershipTypes = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** What kafkajs wraps when its own retries are used up. Errors of ours, whatever their cause, are what they are. */
export function rootError(error: unknown): KafkaJsError {
  let root = error as KafkaJsError;
  while (root.name.startsWith('KafkaJS') && typeof root.type !== 'string' && root.cause instanceof Error) {
    root = root.cause as KafkaJsError;
  }
  return root;
}

/** Kafka's name for the error, such as NOT_LEADER_FOR_PARTITION; null when it did not come from a broker. */
export function errorType(error: unknown): string | null {
  return rootError(error).type ?? null;
}

export function errorKind(error: unknown): ErrorKind {
  const { name, type, code, message, retriable } = rootError(error);
  // Credentials and certificates are exchanged while processes run: what is refused now may be right in a moment.
  if (isRefusedConnection(error)) return 'connection';
  if (typeof type === 'string') return staleTypes.has(type) ? 'stale' : retriable ? 'retriable' : 'fatal';
  if (connectionNames.has(name) || message === notConnected) return 'connection';
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return 'connection';
  return 'fatal';
}

/** True when the group has gone on without this member, or this generation. */
export function isMembershipLost(error: unknown): boolean {
  const type = errorType(error);
  return type !== null && lostMembershipTypes.has(type);
}

/** What a coordinator says of a producer that is not, or no longer, the one it knows by that transactional id. */
const lostTransactionTypes = new Set([
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
  'TRANSACTION_COORDINATOR_FENCED',
  // PRODUCER_FENCED, which kafkajs has no name for.
  'ERROR_90',
]);

/**
 * True when the transactional id has another owner by now, or its transaction was ended by the coordinator. Both look the
 * same, and both mean that nothing more may be written before positions and tables are read anew.
 */
export function isTransactionLost(error: unknown): boolean {
  const type = errorType(error);
  return type !== null && lostTransactionTypes.has(type);
}

function isAuthenticationError(error: unknown): boolean {
  const { name, type } = rootError(error);
  return (
    name === 'KafkaJSSASLAuthenticationError' ||
    type === 'SASL_AUTHENTICATION_FAILED' ||
    type === 'UNSUPPORTED_SASL_MECHANISM'
  );
}

/** The broker is there, but does not take us, or we do not take it: at the first connection of a process that is an error of whoever started it. */
export function isRefusedConnection(error: unknown): boolean {
  return isTlsError(error) || isAuthenticationError(error);
}

function isTlsError(error: unknown): boolean {
  const { code, message } = rootError(error);
  return (
    (typeof code === 'string' && /CERT|TLS|SSL|EPROTO|ISSUER|SIGNATURE/.test(code)) ||
    /certificate|SSL routines/.test(message)
  );
}

/** True when nothing was heard, instead of a refusal: the other side, or this one, may only be busy. */
export function isTimeout(error: unknown): boolean {
  const { name, message, code } = rootError(error);
  return name === 'KafkaJSRequestTimeoutError' || code === 'ETIMEDOUT' || /^connection timeout/i.test(message);
}

/** What the metadata at hand say of a partition: nobody leads it, or it is not there. A later look may find it. */
export function withoutLeader(topic: string, partition: number, exists: boolean): Error {
  const message = exists ? `nobody leads ${topic}[${partition}] at the moment` : `there is no ${topic}[${partition}]`;
  return Object.assign(new Error(message), {
    name: 'KafkaJSProtocolError',
    type: exists ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION',
    retriable: true,
  });
}

/** Whether the offset that was asked for is no longer, or not yet, in its log. */
export function isOutOfRange(error: unknown): boolean {
  return errorType(error) === 'OFFSET_OUT_OF_RANGE';
}

/** What to throw when trying again did not help. Errors of our own pass unchanged. */
export function givenUp(what: string, error: unknown): Error {
  const kind = errorKind(error);
  const root = rootError(error);
  if (!root.name.startsWith('KafkaJS') && kind === 'fatal') return error as Error;
  const message = `Kafka: ${what} failed: ${root.message}${root.type ? ` (${root.type})` : ''}`;
  return kind === 'fatal' ? new Error(message, { cause: error }) : new TransientError(message, { cause: error });
}

/** Why the first connection could not be made, in words for whoever started the process. A TransientError where nobody has answered. */
export function unreachable(brokers: readonly string[], error: unknown): Error {
  const address = brokers.join(', ');
  const root = rootError(error);
  const options = { cause: error };
  if (isAuthenticationError(error))
    return new Error(`Kafka at ${address} refuses these credentials: ${root.message}`, options);
  if (isTlsError(error)) return new Error(`no TLS connection to Kafka at ${address}: ${root.message}`, options);
  const reason = typeof root.code === 'string' ? root.code : root.message;
  const hint = /closed|ECONNRESET|EPROTO/i.test(`${reason} ${root.message}`)
    ? 'does it expect TLS or SASL, or the other way round?'
    : 'is it running? `make up` starts one here; otherwise check the address';
  return new TransientError(`Kafka at ${address} does not answer (${reason}): ${hint}`, options);
}
