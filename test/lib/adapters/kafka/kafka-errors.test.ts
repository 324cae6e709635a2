import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs';
import {
  errorKind,
  errorType,
  givenUp,
  isMembershipLost,
  isOutOfRange,
  unreachable,
} from '../../../../lib/adapters/kafka/kafka-errors';
import { TransientError } from '../../../../lib/ports/broker';

const named = (name: string, message = name): Error => Object.assign(new Error(message), { name });
const protocolError = (type: string, retriable = false): Error =>
  new KafkaJSProtocolError(Object.assign(new Error(`Kafka says ${type}`), { type, code: 1, retriable }));
const retriesExceeded = (cause: Error): Error =>
  new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 2, retryTime: 1, cause } as never);
const refused = new KafkaJSConnectionError('Connection error: connect ECONNREFUSED', { code: 'ECONNREFUSED' } as never);

describe('errors of kafkajs', () => {
  test.each([
    ['a lost connection', refused, 'connection'],
    ['a lost connection after kafkajs gave up', retriesExceeded(refused), 'connection'],
    ['no answer in time', named('KafkaJSRequestTimeoutError'), 'connection'],
    ['an unknown node', named('KafkaJSBrokerNotFound'), 'connection'],
    ['a socket without a greeting', new Error('Broker not connected'), 'connection'],
    ['a system error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'connection'],
    ['another leader', protocolError('NOT_LEADER_FOR_PARTITION', true), 'stale'],
    ['a coordinator that loads', retriesExceeded(protocolError('GROUP_LOAD_IN_PROGRESS', true)), 'retriable'],
    ['no permission', protocolError('TOPIC_AUTHORIZATION_FAILED'), 'fatal'],
    ['wrong credentials', named('KafkaJSSASLAuthenticationError'), 'connection'],
    [
      'a certificate nobody knows',
      Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'connection',
    ],
    ['a mistake of ours', new TypeError('undefined is not a function'), 'fatal'],
  ])('%s', (_name, error, kind) => {
    expect(errorKind(error)).toBe(kind);
  });

  test('a membership is lost when the group goes on without it', () => {
    for (const type of ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']) {
      expect(isMembershipLost(protocolError(type))).toBe(true);
    }
    expect(isMembershipLost(protocolError('NOT_COORDINATOR_FOR_GROUP', true))).toBe(false);
    expect(isMembershipLost(refused)).toBe(false);
  });

  test('an offset that is not in the log is told from other errors', () => {
    expect(isOutOfRange(protocolError('OFFSET_OUT_OF_RANGE'))).toBe(true);
    expect(isOutOfRange(refused)).toBe(false);
  });

  test('giving up says what was tried; errors of ours pass as they are', () => {
    expect(givenUp('sending', retriesExceeded(refused))).toBeInstanceOf(TransientError);
    expect(givenUp('sending', protocolError('TOPIC_AUTHORIZATION_FAILED'))).toMatchObject({
      name: 'Error',
      message: 'Kafka: sending failed: Kafka says TOPIC_AUTHORIZATION_FAILED (TOPIC_AUTHORIZATION_FAILED)',
    });
    const ours = new Error('topics cannot be made as wanted', { cause: refused });
    expect(givenUp('creating', ours)).toBe(ours);
    expect(errorType(ours)).toBeNull();
  });

  test('a first connection that fails is explained', () => {
    const told = (error: Error): string => unreachable(['broker:9092'], error).message;
    expect(told(retriesExceeded(refused))).toMatch(
      /^Kafka at broker:9092 does not answer \(ECONNREFUSED\): is it running/,
    );
    expect(told(new KafkaJSConnectionError('Closed connection'))).toContain('does it expect TLS or SASL');
    expect(told(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toContain('TLS or SASL');
    expect(told(named('KafkaJSSASLAuthenticationError', 'SASL PLAIN authentication failed'))).toBe(
      'Kafka at broker:9092 refuses these credentials: SASL PLAIN authentication failed',
    );
    expect(told(Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))).toBe(
      'no TLS connection to Kafka at broker:9092: self-signed certificate',
    );
  });
});
