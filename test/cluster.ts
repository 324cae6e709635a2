/** Tests on a Kafka cluster of several nodes. Each file starts its own; where memory is short they are skipped, and say so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCluster, type LocalClusterOptions, startKafkaCluster } from '../infra/local-servers';
import { describeWithServers } from './servers';

/** Three nodes, their file caches, and what runs beside them. */
const neededBytes = 3 * 2 ** 30;

function availableBytes(): number {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    if (kilobytes) return Number(kilobytes) * 1_024;
  } catch {
    // Not Linux.
  }
  return freemem();
}

/** `define` gets the cluster, to be asked for in hooks and tests only. It starts before and ends after them, also when they fail. */
export function describeWithCluster(
  name: string,
  define: (cluster: () => LocalCluster) => void,
  options: Omit<LocalClusterOptions, 'directory'> = {},
): void {
  // Not by REQUIRE_SERVERS: `make test` sets that, on whatever machine it is run.
  const required = process.env['REQUIRE_CLUSTER'] || process.env['CI'];
  if (!required && availableBytes() < neededBytes) {
    describe(name, () => {
      it.skip(`needs ${neededBytes / 2 ** 30} GB of free memory for a cluster of three nodes`, () => {});
    });
    return;
  }
  describeWithServers(name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'quantum-router-cluster-'));
    let cluster: LocalCluster | null = null;
    beforeAll(async () => {
      cluster = await startKafkaCluster({ directory, ...options });
    });
    afterAll(async () => {
      await cluster?.stop();
      rmSync(directory, { recursive: true, force: true });
    });
    define(() => {
      if (!cluster) throw new Error('the cluster has not started');
      return cluster;
    });
  });
}
