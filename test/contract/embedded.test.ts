import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBroker } from '../../lib/adapters/embedded/embedded-broker';
import { createEmbeddedKeyValue } from '../../lib/adapters/embedded/embedded-key-value';
import { type Durability, openEmbeddedStore } from '../../lib/adapters/embedded/embedded-store';
import { createVirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { systemClock } from '../../lib/adapters/system';
import { type BrokerUnderTest, describeBrokerContract } from './broker-contract';
import { describeKeyValueContract } from './key-value-contract';

const freshDirectory = (): string => mkdtempSync(join(tmpdir(), 'quantum-router-contract-'));

async function openBroker(durability: Durability): Promise<BrokerUnderTest> {
  const directory = freshDirectory();
  const broker = openEmbeddedBroker({ directory, clock: systemClock(), durability, maintenanceIntervalMs: null });
  return {
    broker,
    clean: () => broker.maintain(),
    async dispose() {
      await broker.close();
      rmSync(directory, { recursive: true });
    },
  };
}

describeBrokerContract('embedded', () => openBroker('process'));
describeBrokerContract('embedded, waiting for the disk', () => openBroker('disk'));

describeKeyValueContract('embedded', async () => {
  const directory = freshDirectory();
  const clock = createVirtualClock();
  const store = openEmbeddedStore({ directory, clock });
  const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: null });
  return {
    keyValue,
    pass: (durationMs) => clock.advanceBy(durationMs),
    async dispose() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
});
