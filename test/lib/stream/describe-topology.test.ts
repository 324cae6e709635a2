import { anyTopic, defineService, due, on } from '../../../lib/stream/define-service';
import { describeTopology } from '../../../lib/stream/describe-topology';
import { type Order, orders, prices, receipts, type Tally, tallies } from './toy';

test('draws services, topics, tables, views and the outside', () => {
  const nothing = () => ({ kind: 'drop', reason: '' }) as const;
  const tally = defineService({
    group: 'tally-keeper',
    inputs: [on<Order, Tally>(orders, nothing, { stateKey: (order) => order.key }), due<Tally>(nothing)],
    views: [anyTopic(prices)],
    outputs: [anyTopic(receipts)],
    table: { topic: tallies, maxRows: 1, dueAtMs: () => null },
  });
  const printer = defineService({ group: 'printer', inputs: [on<Order, undefined>(receipts, nothing)], outputs: [] });
  expect(describeTopology([tally, printer], [orders.name, 'not.here'])).toBe(`flowchart LR
  service_tally_keeper["tally-keeper"]
  topic_toy_orders(["toy.orders"])
  topic_toy_prices[("toy.prices")]
  topic_toy_tallies[("toy.tallies")]
  topic_toy_receipts(["toy.receipts"])
  service_printer["printer"]
  outside(("outside"))
  outside --> topic_toy_orders
  topic_toy_orders --> service_tally_keeper
  topic_toy_prices -.-> service_tally_keeper
  service_tally_keeper === topic_toy_tallies
  service_tally_keeper --> topic_toy_receipts
  topic_toy_receipts --> service_printer
`);
});

test('without anything from outside there is no outside', () => {
  expect(describeTopology([])).toBe('flowchart LR\n');
});
