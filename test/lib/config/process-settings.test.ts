import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentVariables, InvalidEnvironmentError, processSettings } from '../../../lib/config/process-settings';

const directory = mkdtempSync(join(tmpdir(), 'quantum-router-settings-'));
const pem = join(directory, 'ca.pem');
writeFileSync(pem, 'PEM');
afterAll(() => rmSync(directory, { recursive: true }));

const refused = (environment: Record<string, string>): string => {
  try {
    processSettings({ KAFKA_BROKERS: 'a:1', ...environment });
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidEnvironmentError);
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

test('Kafka alone is enough; an empty variable is none', () => {
  const settings = processSettings({ KAFKA_BROKERS: 'a:9092, b:9093', REDIS_URL: '' });
  expect(settings).toMatchObject({
    kafka: { brokers: ['a:9092', 'b:9093'], tls: null, sasl: null, instanceId: null },
    redis: null,
    topicPrefix: '',
    partitions: 4,
    http: { host: '127.0.0.1', port: 8080 },
    metricsPort: null,
    delivery: 'at-least-once',
    logLevel: 'info',
  });
});

test('everything can be set', () => {
  const settings = processSettings({
    KAFKA_BROKERS: 'a:9092',
    KAFKA_CLIENT_ID: 'team-a',
    KAFKA_TLS_CA_FILE: pem,
    KAFKA_TLS_CERT_FILE: pem,
    KAFKA_TLS_KEY_FILE: pem,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_USERNAME: 'u',
    KAFKA_PASSWORD: 'p',
    KAFKA_SESSION_TIMEOUT_MS: '10000',
    KAFKA_REPLICATION_FACTOR: '3',
    DELIVERY: 'exactly-once',
    INSTANCE_ID: 'intake-0',
    REDIS_URL: 'rediss://redis:6380',
    REDIS_PASSWORD: 'r',
    REDIS_TLS_CA_FILE: pem,
    REDIS_KEY_PREFIX: 'a:',
    TOPIC_PREFIX: 'team-a.',
    PARTITIONS: '12',
    HTTP_HOST: '0.0.0.0',
    HTTP_PORT: '80',
    METRICS_PORT: '9100',
    LOG_LEVEL: 'warn',
  });
  expect(settings).toMatchObject({
    kafka: {
      clientId: 'team-a',
      tls: { caPem: 'PEM', certPem: 'PEM', keyPem: 'PEM', rejectUnauthorized: true },
      sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
      sessionTimeoutMs: 10_000,
      replicationFactor: 3,
      instanceId: 'intake-0',
    },
    redis: { url: 'rediss://redis:6380', password: 'r', tls: { caPem: 'PEM' }, keyPrefix: 'a:' },
    topicPrefix: 'team-a.',
    partitions: 12,
    http: { host: '0.0.0.0', port: 80 },
    metricsPort: 9_100,
    delivery: 'exactly-once',
    logLevel: 'warn',
  });
});

test('engines apart by their topics are apart in Redis', () => {
  const servers = { KAFKA_BROKERS: 'a:1', REDIS_URL: 'redis://r:1' };
  expect(processSettings({ ...servers, TOPIC_PREFIX: 'team-a.' }).redis?.keyPrefix).toMatch(/team-a\.$/);
  expect(processSettings(servers).redis?.keyPrefix).not.toMatch('team-a');
});

test('TLS without files trusts the authorities of the system', () => {
  expect(processSettings({ KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'true' }).kafka.tls).toEqual({ rejectUnauthorized: true });
  expect(processSettings({ KAFKA_BROKERS: 'a:1', REDIS_URL: 'redis://r:1' }).redis?.tls).toBeNull();
});

test('a fault names its variable and not its value', () => {
  expect(() => processSettings({})).toThrow('KAFKA_BROKERS must be given');
  expect(refused({ KAFKA_BROKERS: 'nowhere' })).toMatch('KAFKA_BROKERS must be host:port');
  for (const port of [0, 65_536, 99_999])
    expect(refused({ KAFKA_BROKERS: `a:9092,x:${port}` })).toMatch('KAFKA_BROKERS must have a port from 1 to 65535');
  const message = refused({ PARTITIONS: 'many', REDIS_URL: 'secret-host', LOG_LEVEL: 'loud', KAFKA_TLS: 'yes' });
  for (const name of ['PARTITIONS', 'REDIS_URL', 'LOG_LEVEL', 'KAFKA_TLS']) expect(message).toMatch(name);
  expect(message).not.toMatch('secret-host');
  expect(refused({ DELIVERY: 'at-most-once' })).toMatch('DELIVERY must be at-least-once or exactly-once');
  expect(refused({ TOPIC_PREFIX: 'a b' })).toMatch('TOPIC_PREFIX');
  expect(refused({ HTTP_PORT: '70000' })).toMatch('HTTP_PORT must be a whole number from 0 to 65535');
});

test('what belongs together must come together', () => {
  expect(refused({ KAFKA_USERNAME: 'u' })).toMatch('KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD');
  expect(refused({ KAFKA_TLS_CERT_FILE: pem })).toMatch('KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE');
  expect(refused({ KAFKA_TLS_CA_FILE: join(directory, 'missing') })).toMatch(/KAFKA_TLS_CA_FILE.*ENOENT/);
});

test('a password in a file is read whenever it is asked for', () => {
  const file = join(directory, 'password');
  writeFileSync(file, 'first\n');
  const sasl = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_USERNAME: 'router', KAFKA_PASSWORD_FILE: file };
  const { kafka } = processSettings({ KAFKA_BROKERS: 'kafka:9092', ...sasl });
  expect(kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'router', password: 'first' });
  writeFileSync(file, 'second');
  expect(kafka.sasl!.password).toBe('second');
  expect(() => processSettings({ KAFKA_BROKERS: 'kafka:9092', ...sasl, KAFKA_PASSWORD: 'third' })).toThrow(
    'give one of them',
  );
});

test('every variable is documented', () => {
  expect(environmentVariables.map(({ name }) => name)).toContain('KAFKA_BROKERS');
  for (const { doc } of environmentVariables) expect(doc).not.toBe('');
});
