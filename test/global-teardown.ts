/** Ends the servers that test/global-setup.ts started, however the tests went; their data is of no use to anybody. */
import { removeRun, type TestServers } from './global-setup';

export default async function stopTestServers(): Promise<void> {
  const { testServers } = globalThis as { testServers?: TestServers };
  if (!testServers) return;
  await Promise.all(testServers.servers.map((server) => server.kill('SIGKILL')));
  removeRun(testServers.directory);
}
