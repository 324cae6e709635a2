import { type FaultName, faults } from '../../checks/inject/faults';
import { playWithFault, type Served } from '../../checks/inject/play';

// The short form of `make inject`: every fault once, on a few hundred requests.
const seed = Number(process.env['SEED'] ?? 1);
const requests = 240;
/** Of the undisturbed quality. So few requests leave more to chance than the command's do; unguarded it is below .9. */
const leastShare = 0.96;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const sinceFault = ({ qualities }: Served): readonly number[] => qualities.slice(requests / 3);

describe(`what goes wrong with learning does not reach serving (seed ${seed})`, () => {
  let undisturbed: Served;
  beforeAll(async () => {
    undisturbed = await playWithFault({ seed, requests, fault: null });
  });

  test('nothing is refused, repaired or passed over where nothing is wrong', () => {
    expect(undisturbed).toMatchObject({ degraded: 0, undecided: 0, rejected: 0, tamperedAt: null, failures: [] });
    expect(undisturbed.published.at(-1)!.metrics).toMatchObject({ refused: 0, repairs: 0, passedOver: 0 });
  });

  test.each<FaultName>(['nan', 'scale', 'flip'])('%s: the learner recovers', async (name) => {
    const served = await playWithFault({ seed, requests, fault: faults[name] });
    expect(served).toMatchObject({ degraded: 0, undecided: 0, tamperedAt: requests / 3, failures: [] });
    const { metrics, toOffset } = served.published.at(-1)!;
    // A wrong sign harms little where little was learned of the request so far; the others cannot be overlooked.
    if (name !== 'flip') expect(metrics['repairs']).toBeGreaterThan(0);
    expect(toOffset).toBeGreaterThan(served.tamperedAt!);
    expect(mean(sinceFault(served)) / mean(sinceFault(undisturbed))).toBeGreaterThan(leastShare);
  });

  test('a lying source does not take the others along', async () => {
    const served = await playWithFault({ seed, requests, fault: faults.liar });
    expect(served).toMatchObject({ degraded: 0, undecided: 0, failures: [] });
    expect(mean(sinceFault(served)) / mean(sinceFault(undisturbed))).toBeGreaterThan(0.85);
  });
});
