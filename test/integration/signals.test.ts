/** How the built command line ends as a process: drained by any of the usual signals, quietly when its reader goes away. */
import { drainSignals } from '../../lib/drain-signals';
import { createCheckout } from './readme-commands';

describe('the process of a command', () => {
  const checkout = createCheckout();
  afterAll(() => checkout.remove());

  test.each([...drainSignals, 'SIGHUP'] as const)('%s drains an engine and ends it with 0', async (signal) => {
    // Without a shell in between, the exit code is the engine's own.
    const serve = 'exec ./bin/quantum-router serve --port 0 --log-level silent';
    const up = await checkout.runUntil(serve, /ready on http/);
    const { exitCode, output } = await up.stop(signal);
    expect([exitCode, output]).toEqual([0, expect.stringMatching(/\nstopping: finishing what is under way\n$/)]);
  });

  test('a run that is stopped before its end says how far it came, and ends with 130', async () => {
    const run = 'exec ./bin/quantum-router run --requests 20000 --rate 100 --port 0';
    const up = await checkout.runUntil(run, /[1-9]\d+\/20,000/);
    const { exitCode, output } = await up.stop();
    expect(exitCode).toBe(130);
    expect(output).toMatch(/PARTIAL: stopped after \d+ of 20000 requests/);
    expect(output).not.toMatch(/^error:|\n {4}at /m);
  });

  test('an engine whose log nobody reads any more drains, and is no success to who watches over it', async () => {
    const { exitCode, output } = await checkout.run(
      'set -o pipefail; ./bin/quantum-router serve --port 0 2>&1 | head -1 | wc -l',
    );
    expect([exitCode, output.trim()]).toEqual([1, '1']);
  });

  test.each(['init -', 'topics', 'config schema'])('%s ends quietly when its reader has enough', async (command) => {
    const { exitCode, output } = await checkout.run(
      `set -o pipefail; for i in 1 2 3; do ./bin/quantum-router ${command} | head -1 || exit 1; done`,
    );
    expect(exitCode).toBe(0);
    expect(output.trim().split('\n')).toHaveLength(3);
  });

  test('results that a full disk does not take are an error that says so', async () => {
    const { exitCode, output } = await checkout.run('./bin/quantum-router topics 2>&1 > /dev/full');
    expect([exitCode, output]).toEqual([1, 'error: the results cannot be written: the disk is full\n']);
  });
});
