import { type FaultName, faults } from '../../checks/inject/faults';
import { playWithFault } from '../../checks/inject/play';

// Beside test/simulation/inject.test.ts, of whose short form of `make inject` it is the longest part.
const seed = Number(process.env['SEED'] ?? 1);

test.each<FaultName>(['flood-of-zeros', 'flood-of-ones'])(
  `%s: the source is not listened to (seed ${seed})`,
  async (name) => {
    // Long enough for the first judgements, which nobody limits, to be over; a smaller flood, to be quick.
    const [long, perRequest] = [390, 3];
    const flood = { ...faults[name].flood!, perRequest };
    const served = await playWithFault({ seed, requests: long, fault: { ...faults[name], flood } });
    expect(served).toMatchObject({ degraded: 0, undecided: 0, tamperedAt: null, failures: [] });
    expect(served.published.at(-1)!.metrics['passedOver']).toBeGreaterThan((0.9 * perRequest * long) / 3);
  },
);
