/**
 * Brings what the servers and the tests need onto this machine: Java, Maven, redis-server, Kafka's jars and, for the
 * foreign client's test, Python with its packages, for the dashboard's a browser, and promtool. Asks for nothing that is there; as root with apt-get it installs.
 *
 *     tsx infra/install.ts
 */
import { installPython } from './python';
import { installBrowser, installPromtool, installServers } from './tools';

try {
  // Whoever tests against servers of their own need not be able to start any.
  if (!process.env['TEST_KAFKA'] || !process.env['TEST_REDIS']) installServers();
  installPython();
  installBrowser();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
try {
  installPromtool();
} catch (error) {
  // What it checks is checked by hand-written tests, too: those that need it are left out, and say so.
  process.stderr.write(`${(error as Error).message}\n`);
}
