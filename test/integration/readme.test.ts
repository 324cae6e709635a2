/**
 * The README itself, on the embedded store: every command, in order, each after the one before. What is changed about a
 * command is listed here and nowhere else: a port that is free instead of 8080, and fewer requests.
 */
import { findFreePort } from '../../infra/free-port';
import { createCheckout, type Ran, readmeSections, type StaysUp } from './readme-commands';

/** It is what runs this test. */
const notRunHere = ['make test'];
/** In readme-kafka.test.ts. */
const onServers = 'On Kafka and Redis';

const staysUp: Record<string, RegExp> = {
  'make run': /The engine stays up on/,
  './bin/quantum-router serve': /ready on http/,
};

describe('README.md', () => {
  const checkout = createCheckout();
  afterAll(() => checkout.remove());

  test('every command works after the one before it', async () => {
    const port = await findFreePort(1);
    const ran = new Map<string, Ran>();
    let up: StaysUp | null = null;
    const stop = async (): Promise<void> => {
      const ended = await up?.stop();
      up = null;
      if (ended) expect(ended.output).not.toMatch(/^error:/m);
    };

    const commands = readmeSections()
      .filter(({ title }) => title !== onServers)
      .flatMap((section) => section.commands);
    for (const command of commands.filter((one) => !notRunHere.includes(one))) {
      const sign = Object.entries(staysUp).find(([start]) => command.startsWith(start))?.[1];
      if (sign) {
        await stop();
        const own = command.startsWith('make') ? `REQUESTS=200 PORT=${port}` : `--port ${port}`;
        up = await checkout.runUntil(`${command} ${own}`, sign);
        continue;
      }
      // What replays reads the store of an engine that has been stopped, as the text says.
      if (command.includes(' replay ')) await stop();
      const asks = up !== null && /^\.\/bin\/quantum-router (explain|models|top)/.test(command);
      const result = await checkout.run(
        `${command.replace('localhost:8080', `localhost:${port}`)}${asks ? ` --url http://127.0.0.1:${port}` : ''}`,
      );
      ran.set(command, result);
      if (result.exitCode !== 0) throw new Error(`${command} ended with ${result.exitCode}:\n${result.output}`);
      // A refusal over HTTP leaves curl content.
      expect(result.output).not.toMatch(/^error:|"error":\{/m);
    }
    await stop();

    const outputOf = (part: string): string => [...ran].find(([command]) => command.includes(part))![1].output;
    expect(JSON.parse(outputOf('/v1/route'))).toMatchObject({ requestId: 'haiku' });
    expect(outputOf('explain haiku')).toMatch(/^request haiku: /);
    expect(outputOf('router top')).toMatch(/^decisions +\d+ in the last hour/m);
    expect(outputOf('replay')).toMatch(/decisions +201: 201 verified, 0 different/);
    expect(outputOf('explain poem')).toMatch(/^request poem: /m);
    expect(outputOf('evaluate')).toContain('this engine');
    expect(outputOf('models list')).toMatch(/^\* /m);
  });
});
