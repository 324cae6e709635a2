import { createMemoryBroker, type Unkindness } from '../../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../../lib/adapters/memory/memory-key-value';
import { createMemoryTokenBuckets } from '../../lib/adapters/memory/memory-token-buckets';
import { createVirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { systemClock } from '../../lib/adapters/system';
import { seededRandom } from '../../lib/random/seeded';
import { type BrokerUnderTest, describeBrokerContract } from './broker-contract';
import { describeKeyValueContract } from './key-value-contract';
import { describeTokenBucketsContract } from './token-buckets-contract';

async function openBroker(unkindness?: Unkindness): Promise<BrokerUnderTest> {
  const broker = createMemoryBroker({
    clock: systemClock(),
    ...(unkindness && { random: seededRandom('contract'), unkindness }),
  });
  return { broker, clean: async () => broker.clean(), dispose: () => broker.close() };
}

describeBrokerContract('memory', () => openBroker());
describeBrokerContract('memory, as unkind as the port allows', () =>
  openBroker({ gapRate: 0.3, permute: true, maxWriteDelayMs: 2, maxRebalanceMs: 3 }),
);

describeKeyValueContract('memory', async () => {
  const clock = createVirtualClock();
  const keyValue = createMemoryKeyValue({ clock });
  return { keyValue, pass: (durationMs) => clock.advanceBy(durationMs), dispose: () => keyValue.close() };
});

describeTokenBucketsContract('memory', async () => {
  const clock = createVirtualClock();
  const buckets = createMemoryTokenBuckets({ clock });
  return { buckets, pass: (durationMs) => clock.advanceBy(durationMs), dispose: async () => {} };
});
