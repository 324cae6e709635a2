import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import type { View } from '../../../lib/stream/define-service';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { WeightsPublished } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createWorldReader } from '../../../services/route-intake/read-world';

const viewOf = <T>(row: T | undefined): View<T> => ({
  get: () => row,
  values: () => [row!].values(),
  offset: 0,
});

test('weights of a lower number are of the past: a trainer that has lost its place cannot take the engine back', () => {
  const config = {
    version: 1,
    json: configToJson(defaultRouterConfig([{ name: 'm', provider: 'p' }])),
    appliedAtMs: 1,
  };
  let inTable: WeightsPublished | undefined;
  const read = createWorldReader(createMetrics());
  const inForceWith = (sequence: number | null): number | undefined => {
    inTable = sequence === null ? undefined : ({ sequence } as WeightsPublished);
    const view = <T>({ name }: { name: string }): View<T> =>
      viewOf(
        name === topics.config.name ? config : name === topics.weightsPublished.name ? inTable : undefined,
      ) as View<T>;
    return read({ view, nowMs: 0, partition: 0, partitions: 1 }).weights?.sequence;
  };
  expect([null, 1, 3, 2, 1, 4].map(inForceWith)).toEqual([undefined, 1, 3, 3, 3, 4]);
});
