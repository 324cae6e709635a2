/**
 * Where the Kafka and Redis of this test run are. test/global-setup.ts starts them, unless TEST_KAFKA and TEST_REDIS name
 * others; without them the tests that need them fail where they are required, and are skipped, saying so, elsewhere.
 */

/** host:port of the test run's broker. Topics are not auto-created; use unique names. Throws without one. */
export function kafkaAddress(): string {
  return required('TEST_KAFKA');
}

/** redis://host:port of the test run's Redis. Use a unique key prefix. Throws without one. */
export function redisUrl(): string {
  return required('TEST_REDIS');
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: ${hint}`);
  return value;
}

const hint = '`make test` installs and starts Kafka and Redis, or name running ones in TEST_KAFKA and TEST_REDIS';

/** Tests that need both servers. Ask for the addresses in hooks and tests, or in `define`, which only runs with servers. */
export function describeWithServers(name: string, define: () => void): void {
  if (process.env['TEST_KAFKA'] && process.env['TEST_REDIS']) {
    describe(name, define);
    return;
  }
  describe(name, () => {
    if (process.env['REQUIRE_SERVERS'] || process.env['CI']) {
      it('has Kafka and Redis to run on', () => {
        throw new Error(`Kafka and Redis are missing: ${hint}`);
      });
    } else {
      it.skip(`needs Kafka and Redis: ${hint}`, () => {});
    }
  });
}
