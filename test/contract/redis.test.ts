import { randomUUID } from 'node:crypto';
import { openRedisKeyValue } from '../../lib/adapters/redis/redis-key-value';
import { defaultRedisSettings } from '../../lib/adapters/redis/redis-settings';
import { systemClock } from '../../lib/adapters/system';
import { sleep } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { patienceMs } from '../patience';
import { describeWithServers, redisUrl } from '../servers';
import { describeKeyValueContract } from './key-value-contract';
import { describeTokenBucketsContract } from './token-buckets-contract';

describeWithServers('Redis', () => {
  describeKeyValueContract('Redis', async () => {
    const keyValue = await openRedisKeyValue(
      { ...defaultRedisSettings, url: redisUrl(), keyPrefix: `test-${randomUUID()}:`, commandTimeoutMs: patienceMs },
      { log: createLog({ level: 'silent' }), metrics: createMetrics() },
    );
    const dispose = async (): Promise<void> => {
      // The server is shared. One test closes the store itself, and leaves nothing.
      await keyValue.keys('', 1_000).then(
        (keys) => keyValue.deleteMany(keys),
        () => {},
      );
      await keyValue.close();
    };
    return { keyValue, pass: (durationMs) => sleep(systemClock(), durationMs), dispose };
  });

  describeTokenBucketsContract('Redis', async () => {
    const buckets = await openRedisKeyValue(
      { ...defaultRedisSettings, url: redisUrl(), keyPrefix: `test-${randomUUID()}:`, commandTimeoutMs: patienceMs },
      { log: createLog({ level: 'silent' }), metrics: createMetrics() },
    );
    return { buckets, pass: (durationMs) => sleep(systemClock(), durationMs), dispose: () => buckets.close() };
  });
});
