/**
 * One Kafka and one Redis for the whole test run, in a folder of their own under .cache, and their addresses in TEST_KAFKA
 * and TEST_REDIS. jest calls it once, and only when tests of a project that may need servers are selected.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../infra/infra-file';
import { type LocalServer, startKafka, startRedis } from '../infra/local-servers';
import { identify, isRunning, type ProcessIdentity, stopServer } from '../infra/server-process';

export interface TestServers {
  readonly directory: string;
  readonly servers: readonly LocalServer[];
}

const folder = join(projectRoot, '.cache/test-servers');
const starts = { TEST_KAFKA: startKafka, TEST_REDIS: startRedis } as const;

export default async function startTestServers(): Promise<void> {
  await removeLeftOvers();
  const wanted = Object.entries(starts).filter(([variable]) => !process.env[variable]);
  if (wanted.length === 0) return;
  const directory = join(folder, String(process.pid));
  // Before the folder, so that no other run ever sees one without an owner.
  writeFileSync(ownerFile(directory), JSON.stringify(identify(process.pid)));
  mkdirSync(directory);
  const servers: LocalServer[] = [];
  // test/global-teardown.ts ends them; it shares nothing with this module but the process.
  (globalThis as { testServers?: TestServers }).testServers = { directory, servers };
  try {
    for (const [variable, start] of wanted) {
      const server = await start({ directory: join(directory, variable) });
      servers.push(server);
      process.env[variable] = server.address;
    }
  } catch (error) {
    if (process.env['REQUIRE_SERVERS'] || process.env['CI']) throw error;
    process.stderr.write(`\nTests on Kafka and Redis are skipped: ${(error as Error).message}\n`);
  }
}

/** A run that was killed could not stop its servers. */
async function removeLeftOvers(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of entries) {
    const directory = join(folder, name);
    if (ownerRuns(directory)) continue;
    for (const variable of Object.keys(starts)) await stopServer(join(directory, variable), { graceMs: 0 });
    removeRun(directory);
  }
}

/** Forgets a run whose servers have ended. */
export function removeRun(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  rmSync(ownerFile(directory), { force: true });
}

const ownerFile = (directory: string): string => `${directory}.json`;

function ownerRuns(directory: string): boolean {
  try {
    return isRunning(JSON.parse(readFileSync(ownerFile(directory), 'utf8')) as ProcessIdentity);
  } catch {
    return false;
  }
}
