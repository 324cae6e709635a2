import { followView } from '../../../lib/stream/view';
import { ensureSinglePartitionTopic } from '../../../lib/topics/ensure-topic';
import { createWorld, ordersOf, prices } from './toy';

const row = (key: string, amount: number) => ({
  key,
  value: prices.codec.encode({ ...ordersOf(key, 1, 1)[0]!, amount }),
});
const foreign = (key: string) => ({ key, value: Buffer.from('{broken') });

/** A view of prices that begins on a log with `records`, and what was decoded for it. */
async function viewOn(records: readonly { key: string | null; value: Buffer | null }[]) {
  const world = createWorld();
  const { broker, metrics } = world.host;
  await ensureSinglePartitionTopic(broker, prices, '');
  await world.putRaw(prices.name, records);
  let decoded = 0;
  const decode = (bytes: Buffer) => {
    decoded++;
    return prices.codec.decode(bytes);
  };
  const followed = await followView('toy', { ...prices, codec: { ...prices.codec, decode } }, world.host, () => {});
  const rows = [...followed.view.values()].map(({ key, amount }) => [key, amount]);
  const undecodable = await metrics.value('quantum_router_view_undecodable_total', {
    service: 'toy',
    topic: prices.name,
  });
  await followed.stop();
  return { rows, decoded, undecodable: undecodable ?? 0, offset: followed.view.offset };
}

test('of rows that come together only the newest of each key is decoded', async () => {
  const records = Array.from({ length: 100 }, (_, i) => row(i % 2 ? 'b' : 'a', i));
  expect(await viewOn(records)).toEqual({
    rows: [
      ['a', 98],
      ['b', 99],
    ],
    decoded: 2,
    undecodable: 0,
    offset: 99,
  });
});

test('behind the last good row of a key may be what is none: it is counted, and the good one is in force', async () => {
  const { rows, undecodable } = await viewOn([foreign('a'), row('a', 1), row('a', 2), foreign('a'), foreign('a')]);
  expect([rows, undecodable]).toEqual([[['a', 2]], 2]);
});

test('a row that was deleted is gone, and one that came after it is there', async () => {
  const { rows } = await viewOn([row('a', 1), { key: 'a', value: null }, { key: 'b', value: null }, row('b', 2)]);
  expect(rows).toEqual([['b', 2]]);
});
