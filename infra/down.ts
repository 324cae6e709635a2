/** Stops the Kafka and Redis that `make up` started from this checkout, and nothing else. Data stays. */
import { composeDown } from './docker';
import { composeMarker, serverDirectories } from './server-places';
import { stopServer } from './server-process';

async function down(): Promise<void> {
  let stopped = composeDown(composeMarker);
  for (const directory of Object.values(serverDirectories)) {
    const server = await stopServer(directory);
    if (!server) continue;
    stopped = true;
    process.stdout.write(`${server.name} on ${server.address} stopped (pid ${server.pid})\n`);
  }
  if (!stopped) process.stdout.write('nothing to stop: `make up` has no servers running here\n');
}

down().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
