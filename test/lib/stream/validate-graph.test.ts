import { defineService, due, on, process, type ServiceOptions, whenWritten } from '../../../lib/stream/define-service';
import { InvalidGraphError, topicsOf, validateGraph } from '../../../lib/stream/validate-graph';
import { topics } from '../../../lib/topics/topics';
import { jsonTopic, ledger, type Order, orders, prices, receipts, refunds, type Tally, tallies } from './toy';

const known = [orders, refunds, receipts, tallies, prices, ledger];
const external = [orders.name, refunds.name, prices.name];
const nothing = () => ({ kind: 'drop', reason: '' }) as const;
const read = (topic = orders) => on<Order, undefined>(topic, nothing);
const keyed = (topic = orders) => on<Order, Tally>(topic, nothing, { stateKey: (order) => order.key });
const service = (options: Partial<ServiceOptions>) =>
  defineService({ group: 'toy', inputs: [read()], outputs: [], ...options });
const table = { topic: tallies, maxRows: 10 };

const problemsOf = (
  services: ReturnType<typeof service>[],
  options: Partial<Parameters<typeof validateGraph>[1]> = {},
): readonly string[] => {
  try {
    validateGraph(services, { requestPathPartitions: 4, known, external, ...options });
    return [];
  } catch (error) {
    return (error as InvalidGraphError).problems;
  }
};

test('a graph with everything in order passes', () => {
  expect(
    problemsOf([
      service({
        inputs: [keyed(), keyed(refunds), due<Tally>(nothing)],
        outputs: [receipts],
        views: [prices],
        table: { ...table, dueAtMs: (row: Tally) => row.dueAtMs, pauseWhenFull: [orders] },
        ownOutput: { topics: [receipts], idOf: (order: Order) => order.id, maxIds: 5 },
      }),
      service({ group: 'reader', inputs: [process(receipts, async () => [])], outputs: [ledger] }),
      service({ group: 'one', inputs: [read(ledger)] }),
    ]),
  ).toEqual([]);
});

test.each<[string, Partial<ServiceOptions>, string[]]>([
  ['no input', { inputs: [] }, ['toy has no input topic: add on(...) or process(...) to its inputs']],
  [
    'the same input twice',
    { inputs: [read(), read()] },
    ['toy reads toy.orders more than once: merge the decisions into one input'],
  ],
  [
    'inputs that are not co-partitioned',
    { inputs: [read(), on<Order, undefined>(prices, nothing)] },
    [
      'toy has inputs that are not co-partitioned (toy.orders: requestPath, toy.prices: one): split the service, follow the smaller topic as a view, or change `partitions` of a topic',
    ],
  ],
  [
    'a table without stateKey',
    { table },
    ['toy has a table but on(toy.orders) has no stateKey: say which row an event concerns'],
  ],
  [
    'due without a table',
    { inputs: [read(), due<Tally>(nothing)] },
    ['toy has due(...) but no table.dueAtMs: say when a row is due'],
  ],
  [
    'due without dueAtMs',
    { inputs: [keyed(), due<Tally>(nothing)], table },
    ['toy has due(...) but no table.dueAtMs: say when a row is due'],
  ],
  [
    'dueAtMs without due',
    { inputs: [keyed()], table: { ...table, dueAtMs: () => null } },
    ['toy has table.dueAtMs but no due(...) input: add one or remove dueAtMs'],
  ],
  [
    'closing early without an order',
    { inputs: [keyed()], table: { ...table, closeEarlyWhenFull: true } },
    ['toy has closeEarlyWhenFull but no table.dueAtMs: say which rows go first'],
  ],
  [
    'a part of rows that do not rest',
    { inputs: [keyed(), due<Tally>(nothing)], table: { ...table, dueAtMs: () => null, duePart: { dueAtMs: true } } },
    ['toy has table.duePart: it is for rows that rest (rowsRest) and are due (dueAtMs)'],
  ],
  [
    'two dues',
    { inputs: [keyed(), due<Tally>(nothing), due<Tally>(nothing)], table: { ...table, dueAtMs: () => null } },
    ['toy has 2 due(...) inputs: keep one, it sees every row'],
  ],
  [
    'process with a table',
    { inputs: [process(orders, async () => [])], table },
    ['toy has a table and process(toy.orders): let the processor keep its own state, or use on(...)'],
  ],
  [
    'a table without rows',
    { inputs: [keyed()], table: { ...table, maxRows: 0 } },
    ['toy has table.maxRows 0: allow at least one row'],
  ],
  [
    'a stream as changelog',
    { inputs: [keyed()], table: { topic: receipts, maxRows: 1 } },
    ['toy keeps its table in toy.receipts, a stream: define the topic with table(...)'],
  ],
  [
    'a changelog with other partitions',
    { inputs: [on<Order, Order>(ledger, nothing, { stateKey: (o) => o.key })], table },
    [
      'toy reads toy.ledger (one) into toy.tallies (requestPath): give them the same `partitions`',
      'toy reads toy.ledger, which nobody writes',
    ],
  ],
  [
    'pausing what is not read',
    { inputs: [keyed()], table: { ...table, pauseWhenFull: [refunds] } },
    ['toy pauses toy.refunds when full, which it does not read: remove it from pauseWhenFull'],
  ],
  [
    'pausing everything for ever',
    { inputs: [keyed()], table: { ...table, pauseWhenFull: [orders] } },
    ['toy pauses all its inputs when full and has no due(...): nothing could ever free a row'],
  ],
  [
    'an ownOutput that is no output',
    { ownOutput: { topics: [receipts], idOf: String, maxIds: 1 } },
    ['toy has ownOutput toy.receipts, which is not among its outputs: add it there'],
  ],
  [
    'being told of what is no output, and twice of what is one',
    {
      outputs: [receipts],
      whenWritten: [refunds, receipts, receipts].map((topic) => whenWritten(topic, () => {})),
    },
    [
      'toy wants to know what it has written to toy.refunds, which is not among its outputs: add it there',
      'toy wants to know twice what it has written to toy.receipts: once is enough',
    ],
  ],
  [
    'an ownOutput without memory',
    { outputs: [receipts], ownOutput: { topics: [receipts], idOf: String, maxIds: 0 } },
    ['toy has ownOutput.maxIds 0: remember at least one id'],
  ],
  [
    'an ownOutput that cannot be searched',
    {
      inputs: [on<Order, undefined>(prices, nothing)],
      outputs: [receipts],
      ownOutput: { topics: [receipts], idOf: String, maxIds: 1 },
    },
    ['toy reads one partition but has ownOutput toy.receipts with many: a task could not find its own records there'],
  ],
  [
    'views of what is no small table',
    { views: [orders] },
    [
      'toy views toy.orders, a stream: read it as an input, or make it a table',
      'toy views toy.orders, which has many partitions: a view needs one, so that its offset says what was read',
    ],
  ],
  [
    'an unknown topic',
    { outputs: [jsonTopic<Order>('toy.secret', (o) => o.id)] },
    ['toy uses topic toy.secret, which is unknown: define it in lib/topics/topics.ts'],
  ],
  ['an input that nobody writes', { inputs: [read(receipts)] }, ['toy reads toy.receipts, which nobody writes']],
  [
    'a view that nobody writes',
    { views: [jsonTopic<Order>('toy.ledger', (o) => o.id, { kind: 'table', partitions: 'one' })] },
    ['toy reads toy.ledger, which nobody writes'],
  ],
  [
    'a table that the outside writes too',
    { outputs: [prices] },
    ['table toy.prices has 2 writers (toy, the outside): let one of them write it'],
  ],
])('%s', (_what, options, expected) => {
  const problems = problemsOf([service(options)]);
  expect(problems).toHaveLength(expected.length);
  for (const [i, problem] of problems.entries()) expect(problem).toContain(expected[i]);
});

test('two writers of one table, a changelog among them', () => {
  const problems = problemsOf([service({ inputs: [keyed()], table }), service({ group: 'other', outputs: [tallies] })]);
  expect(problems).toEqual(['table toy.tallies has 2 writers (toy, other): let one of them write it']);
});

test('an edge is checked like everybody, and writes only what is written from outside', () => {
  const edge = (options: Partial<ServiceOptions> = {}) =>
    service({
      group: 'edge',
      isEdge: true,
      inputs: [],
      outputs: [orders],
      views: [receipts],
      ...options,
    });
  const maker = service({ outputs: [receipts] });
  expect(problemsOf([edge(), maker])).toEqual([]);
  expect(problemsOf([edge({ outputs: [ledger] }), maker])).toEqual([
    'edge is an edge and writes toy.ledger, which is not written from outside: add it to `external`',
  ]);
  expect(problemsOf([edge(), service({})])).toEqual([
    "edge reads toy.receipts, which nobody writes: add it to a service's outputs, or to `external`",
  ]);
  expect(problemsOf([edge({ inputs: [read()] }), maker])).toEqual([
    'edge is an edge, which nothing runs: it can have no inputs, no table and no own output',
  ]);
});

test('two services of one group', () => {
  expect(problemsOf([service({}), service({})])).toEqual([
    'group toy is declared more than once: give every service a group of its own',
  ]);
});

test('a number of partitions that is none', () => {
  expect(problemsOf([service({})], { requestPathPartitions: 0 })).toEqual([
    'requestPathPartitions is 0: set it to a whole number of at least 1',
  ]);
});

test('a part of an engine may read what others write', () => {
  expect(problemsOf([service({ inputs: [read(receipts)] })], { external: 'any' })).toEqual([]);
});

test('by default the topics are those of the engine, written by its clients', () => {
  const opened = defineService({
    group: 'route-intake',
    inputs: [on(topics.routeRequested, nothing)],
    views: [topics.config],
    outputs: [],
  });
  expect(() => validateGraph([opened], { requestPathPartitions: 4 })).not.toThrow();
  expect(() => validateGraph([service({})], { requestPathPartitions: 4 })).toThrow(/unknown: define it/);
});

test('the error lists every problem, a line each', () => {
  const broken = [service({ inputs: [] }), service({ views: [orders] })];
  expect(() => validateGraph(broken, { requestPathPartitions: 4, known, external })).toThrow(InvalidGraphError);
  expect(problemsOf(broken)).toHaveLength(4);
  const error = new InvalidGraphError(['one', 'two']);
  expect(error.message).toBe('the graph of services is not valid:\n  - one\n  - two');
});

test('topicsOf names every topic once', () => {
  const all = service({
    inputs: [keyed()],
    outputs: [receipts, orders],
    views: [prices],
    table,
  });
  expect(topicsOf(all).map((topic) => topic.name)).toEqual([orders.name, prices.name, receipts.name, tallies.name]);
});
