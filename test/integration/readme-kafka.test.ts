/**
 * The README's part on Kafka and Redis, in order, on the servers of this test run: their addresses stand in for those of
 * `make up`, which up-down.test.ts runs.
 */
import { randomUUID } from 'node:crypto';
import { findFreePort } from '../../infra/free-port';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { createCheckout, readmeSections } from './readme-commands';

/** They start and stop servers; up-down.test.ts does that on ports of its own. */
const notRunHere = ['make up', 'make down'];

const staysUp: Record<string, RegExp> = {
  'make run-services': /all services are ready/,
  'make run KAFKA': /The engine stays up on/,
};

describeWithServers('README.md on Kafka and Redis', () => {
  const checkout = createCheckout();
  afterAll(() => checkout.remove());

  test('every command works after the one before it', async () => {
    const { commands } = readmeSections().find(({ title }) => title === 'On Kafka and Redis')!;
    expect(commands.slice(0, 1).concat(commands.slice(-1))).toEqual(notRunHere);
    const port = await findFreePort(1);
    const where = `PORT=${port} KAFKA=${kafkaAddress()} REDIS=${redisUrl()}`;
    const topicPrefix = `TOPIC_PREFIX=readme-${randomUUID().slice(0, 8)}.`;
    for (const command of commands.filter((one) => !notRunHere.includes(one))) {
      const sign = Object.entries(staysUp).find(([start]) => command.startsWith(start))?.[1];
      if (!sign) throw new Error(`${command} is new in the README: say here when it is up`);
      const bare = command.replace(/ (KAFKA|REDIS)=\S+/g, '');
      // A run takes its topics away again when nobody has named them.
      const own = command.startsWith('make run-services') ? topicPrefix : 'REQUESTS=100 RATE=50';
      const up = await checkout.runUntil(`${bare} ${where} ${own}`, sign);
      const { output } = await up.stop();
      expect(output).not.toMatch(/\berror\b/);
    }
  });
});
