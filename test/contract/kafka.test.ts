import { openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { describeWithServers, kafkaAddress } from '../servers';
import { type BrokerUnderTest, describeBrokerContract } from './broker-contract';

async function openBroker(): Promise<BrokerUnderTest> {
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [kafkaAddress()], clientId: 'contract' },
    { clock: systemClock(), log: createLog({ level: 'warn' }), metrics: createMetrics() },
  );
  return { broker, dispose: () => broker.close() };
}

describeWithServers('on Kafka', () => describeBrokerContract('Kafka', openBroker));
