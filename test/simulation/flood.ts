/** The floods of the short form of `make inject`, its longest part: a test file each. */
import { type FaultName, faults } from '../../checks/inject/faults';
import { playWithFault } from '../../checks/inject/play';

const seed = Number(process.env['SEED'] ?? 1);

/** `requests`: long enough for the first judgements, which nobody limits, to be over. A smaller flood, to be quick. */
export function testFlood(name: FaultName, requests: number): void {
  test(`${name}: the source is not listened to (seed ${seed})`, async () => {
    const perRequest = 3;
    const flood = { ...faults[name].flood!, perRequest };
    const served = await playWithFault({ seed, requests, fault: { ...faults[name], flood } });
    expect(served).toMatchObject({ degraded: 0, undecided: 0, tamperedAt: null, failures: [] });
    expect(served.published.at(-1)!.metrics['passedOver']).toBeGreaterThan((0.9 * perRequest * requests) / 3);
  });
}
