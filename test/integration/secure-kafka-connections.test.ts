/** How connections to a guarded Kafka are refused, and how a password is exchanged. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import type { KafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { processSettings } from '../../lib/config/process-settings';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { createWorkplace } from '../bin/run-command';
import { type SecureKafka, secureEnvironment, startSecureKafka } from '../secure-kafka';
import { describeWithServers } from '../servers';

const open = (settings: KafkaSettings) =>
  openKafkaBroker(settings, {
    clock: systemClock(),
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
  });

describeWithServers('connections to a Kafka with TLS and SCRAM', () => {
  const workplace = createWorkplace();
  let kafka: SecureKafka;

  beforeAll(async () => {
    kafka = await startSecureKafka(workplace.directory, { one: 'secret', rotated: 'secret' });
  });
  afterAll(async () => {
    await kafka?.stop();
    workplace.remove();
  });

  test.each([
    [
      'an authority that did not sign it',
      () => ({ KAFKA_TLS_CA_FILE: kafka.certificates.otherCaFile }),
      /no TLS connection to Kafka at 127\.0\.0\.1/,
    ],
    ['a wrong password', () => ({ KAFKA_PASSWORD: 'wrong' }), /refuses these credentials/],
    ['no TLS at all', () => ({ KAFKA_TLS: 'false', KAFKA_TLS_CA_FILE: '' }), /does it expect TLS or SASL/],
  ])('a start with %s ends with a sentence that says so', async (_what, environment, message) => {
    const settings = { ...secureEnvironment(kafka, 'one', 'secret'), ...environment() };
    await expect(open(processSettings(settings).kafka)).rejects.toThrow(message);
  });

  test('a password that was exchanged in its file is used by the next connection', async () => {
    workplace.write('password', 'secret\n');
    const { KAFKA_PASSWORD: _, ...rest } = secureEnvironment(kafka, 'rotated', 'secret');
    const environment = { ...rest, KAFKA_PASSWORD_FILE: join(workplace.directory, 'password') };
    await kafka.allow('rotated', { read: ['ledger'], write: ['ledger'], groups: [], transactionalIds: [] }, '');
    const settings = processSettings(environment).kafka;
    const admin = await open({ ...settings, tls: null, sasl: null, brokers: [kafka.plainAddress] });
    await admin.ensureTopics([
      { name: 'ledger', partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 },
    ]);
    await admin.close();
    const broker = await open(settings);
    const producer = broker.producer('rotated');
    const send = () => producer.send([{ topic: 'ledger', partition: 0, key: 'k', value: Buffer.from('v') }]);
    await send();
    kafka.setPassword('rotated', 'another');
    await kafka.server.restart();
    // With the old password nothing goes through, and nothing is given up either.
    const sent = send();
    writeFileSync(join(workplace.directory, 'password'), 'another');
    await sent;
    await producer.close();
    await broker.close();
  });
});

describeWithServers('a Kafka whose certificate has expired', () => {
  const workplace = createWorkplace();
  afterAll(() => workplace.remove());

  test('is refused at the start with a sentence that says so', async () => {
    const kafka = await startSecureKafka(workplace.directory, { one: 'secret' }, { expired: true });
    const opened = open(processSettings(secureEnvironment(kafka, 'one', 'secret')).kafka);
    await expect(opened).rejects.toThrow(/certificate has expired/);
    await kafka.stop();
  });
});
