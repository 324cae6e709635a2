/** An outage on a real Kafka and Redis, three instances of the services as processes: they agree that the model is down. */
import { startOnKafka } from '../../checks/scenarios/on-kafka';
import { playScenario } from '../../checks/scenarios/play';
import { scenarios } from '../../checks/scenarios/scenarios';
import { built } from '../built';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';

describeWithServers('scenarios on Kafka and Redis', () => {
  test('three instances leave a model that is down alone, and nothing else suffers', async () => {
    const start = startOnKafka({
      ...{ kafka: kafkaAddress(), redis: redisUrl(), instances: 3, placement: 'chained', without: ['budgets'] },
      environment: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      onLine: () => {},
      compiledServices: built('services'),
    });
    const outage = scenarios.find(({ name }) => name === 'outage')!;
    // To the end: how much of it a slow machine needs to hear of the failures does not matter.
    const played = await playScenario(
      { scenario: { ...outage, lasts: true }, ...{ isWith: true, requests: 300, seed: 3, ratePerSecond: 25 } },
      start,
    );
    expect(played).toMatchObject({ failures: [], undecided: 0 });
    for (const [i, utility] of played.utilities.entries())
      expect(utility).toBeLessThanOrEqual(played.oracle[i]! + 1e-9);
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    const shareOfOracle = (from: number, to?: number): number =>
      mean(played.utilities.slice(from, to)) / mean(played.oracle.slice(from, to));
    // Half of the requests are worth most with the model that is down, and next to nothing where it is called all the same.
    expect(shareOfOracle(200)).toBeGreaterThan(0.8);
  });
});
