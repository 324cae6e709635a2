import { defineService, due, on } from '../../../lib/stream/define-service';
import { describeTopology } from '../../../lib/stream/describe-topology';
import { type Order, orders, prices, receipts, refunds, type Tally, tallies } from './toy';

test('draws services, topics, tables, views and the outside', () => {
  const nothing = () => ({ kind: 'drop', reason: '' }) as const;
  const tally = defineService({
    group: 'tally-keeper',
    inputs: [on<Order, Tally>(orders, nothing, { stateKey: (order) => order.key }), due<Tally>(nothing)],
    views: [prices],
    outputs: [receipts],
    table: { topic: tallies, maxRows: 1, dueAtMs: () => null },
  });
  const printer = defineService({ group: 'printer', inputs: [on<Order, undefined>(receipts, nothing)], outputs: [] });
  expect(describeTopology([tally, printer], { external: [orders.name, 'not.here'] })).toBe(`flowchart LR
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

test('stages that share a task are framed, and what they hand on needs no topic between them', () => {
  const nothing = () => ({ kind: 'drop', reason: '' }) as const;
  const maker = defineService({
    group: 'maker',
    inputs: [on<Order, undefined>(orders, nothing)],
    outputs: [receipts, refunds],
  });
  const reader = defineService({
    group: 'reader',
    inputs: [on<Order, undefined>(receipts, nothing), on<Order, undefined>(refunds, nothing)],
    outputs: [],
  });
  const placement = [{ name: 'both', group: 'group-of-both', stages: ['maker', 'reader'] }];
  // Others write refunds, too: these have to be read.
  const drawn = describeTopology([maker, reader], { external: [orders.name, refunds.name], placement });
  expect(drawn).toBe(`flowchart LR
  subgraph task_both["both: one task, group group-of-both"]
    service_maker["maker"]
    service_reader["reader"]
  end
  topic_toy_orders(["toy.orders"])
  topic_toy_receipts(["toy.receipts"])
  topic_toy_refunds(["toy.refunds"])
  outside(("outside"))
  outside --> topic_toy_orders
  outside --> topic_toy_refunds
  topic_toy_orders --> service_maker
  service_maker --> topic_toy_receipts
  service_maker --> topic_toy_refunds
  service_maker ==>|"toy.receipts"| service_reader
  topic_toy_refunds --> service_reader
`);
});
