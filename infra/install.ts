/**
 * Brings what the servers and the tests need onto this machine: Java, Maven, redis-server, Kafka's jars and, for the
 * foreign client's test, Python with its packages, for the dashboard's a browser and nginx, and promtool. Asks for nothing that is there; as root with apt-get it installs.
 *
 *     tsx infra/install.ts
 */
import { archiveKafkaClasses } from './local-servers';
import { installPython } from './python';
import { installBrowser, installPromtool, installProxy, installServers } from './tools';

/** Runs a step; one that fails says why, and the others go on. */
async function step(run: () => void | Promise<void>, onFailure: () => void): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    onFailure();
  }
}

const fail = (): void => {
  process.exitCode = 1;
};
const goWithout = (): void => {};

async function install(): Promise<void> {
  // Whoever tests against servers of their own need not be able to start any.
  const startsServers = !process.env['TEST_KAFKA'] || !process.env['TEST_REDIS'];
  await step(() => {
    if (startsServers) installServers();
    installPython();
    installBrowser();
  }, fail);
  // Without it Kafka starts too, only later.
  if (startsServers && !process.exitCode) await step(archiveKafkaClasses, goWithout);
  // What it checks is checked by hand-written tests, too: those that need it are left out, and say so.
  await step(installPromtool, goWithout);
  await step(installProxy, goWithout);
}

void install();
