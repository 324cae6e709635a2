/** Candidates, scores and sketches say the same in the log as in memory, whoever has written them and in whichever release. */
import fc from 'fast-check';
import { boundedTypeOf } from '../../../../lib/avro/bounded-types';
import { codecOf, InvalidRecordError, UndecodableError } from '../../../../lib/avro/codec';
import { dictionaryOf } from '../../../../lib/dictionary';
import type {
  AwaitedOutcome,
  CandidateTable,
  LearningEvent,
  PendingRoute,
  RouteOpened,
  ScoreColumns,
  StrategyScored,
  ThreadScore,
} from '../../../../lib/topics/generated/messages';
import { schemaVersions } from '../../../../lib/topics/generated/schemas';
import { topics } from '../../../../lib/topics/topics';
import * as fixtures from '../../routing/fixtures';
import { anyOpened, candidateOf, threadOf, tuningOf } from '../../routing/fixtures';

/** With a scale that a float32 holds exactly. */
function openedOf(changes: Partial<RouteOpened> = {}): RouteOpened {
  return fixtures.openedOf({ sketchScale: 0.5, ...changes });
}

type InLog = RouteOpened & { candidateTable: CandidateTable | null; sparseSketch: Buffer };
type ScoredInLog = StrategyScored & { columns: ScoreColumns | null };

/** What the log has, as a reader of the schema alone sees it. */
const openedInLog = codecOf<InLog>('RouteOpened');
const scoredInLog = codecOf<ScoredInLog>('StrategyScored');
const { codec: openedCodec } = topics.routeOpened;
const { codec: scoredCodec } = topics.strategyScored;

const number = fc.double({ noNaN: true });
const anyName = fc.constantFrom('large', 'small', 'swift', '__proto__', 'constructor', 'günstig', '');
const anyTable = fc
  .array(fc.tuple(fc.oneof(anyName, fc.constantFrom('model-0', 'model-1', 'model-3')), number), { maxLength: 6 })
  .map((entries) => dictionaryOf(entries));
const anySketch = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(255) }), { maxLength: 300 })
  .map((bytes) => Buffer.from(bytes));

const anyBar = fc.record({
  field: anyName,
  kind: anyName,
  capability: fc.option(anyName),
  share: fc.option(number),
});

/** Of every shape: names that are words of every object, reasons, declared beliefs or none, numbers that are all alike. */
const anyRoute: fc.Arbitrary<RouteOpened> = fc
  .tuple(
    anyOpened,
    anyTable,
    anyTable,
    anySketch,
    fc.array(
      fc.tuple(
        fc.option(anyName),
        fc.option(fc.tuple(number, number, number)),
        number,
        fc.option(number),
        fc.option(anyBar),
      ),
      { maxLength: 8 },
    ),
  )
  .map(([opened, costRatios, driftOffsets, sketch, changes]) => ({
    ...opened,
    sketchScale: 0.5,
    sketch,
    tuning: tuningOf({ costRatios, driftOffsets }),
    candidates: opened.candidates.map((candidate, i) => {
      const [name, declared, observations, p95LatencyMs, bar] = changes[i] ?? [null, null, 0, null, null];
      const [quality, costUsd, latencyMs] = declared ?? [0, 0, 0];
      return {
        ...candidate,
        model: name ?? candidate.model,
        observations,
        p95LatencyMs,
        bar,
        declared: declared && { quality, costUsd, latencyMs },
      };
    }),
  }));

/** As opened requests were written before they were packed. */
function olderBytes(message: string, id: number, value: unknown): Buffer {
  const { schema } = schemaVersions[message]!.find((version) => version.id === id)!;
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, boundedTypeOf(schema).toBuffer(value)]);
}

describe('opened requests', () => {
  test('law: what is read is what was written', () => {
    fc.assert(
      fc.property(anyRoute, (opened) => {
        expect(openedCodec.decode(openedCodec.encode(opened))).toEqual(opened);
      }),
    );
  });

  test('law: two requests that are written one after the other do not get into each other', () => {
    fc.assert(
      fc.property(fc.array(anyRoute, { minLength: 2, maxLength: 5 }), (all) => {
        const records = all.map((opened) => openedCodec.encode(opened));
        expect(records.map((record) => openedCodec.decode(record))).toEqual(all);
      }),
      { numRuns: 30 },
    );
  });

  test('what is written is not changed', () => {
    const opened = openedOf({ tuning: tuningOf({ costRatios: { large: 2 }, driftOffsets: { other: 1 } }) });
    const before = structuredClone(opened);
    openedCodec.encode(opened);
    expect(opened).toEqual(before);
  });

  test('names and numbers of the candidates are once in a record', () => {
    const names = Array.from({ length: 200 }, (_, i) => `family-${i % 7}-model-${i}`);
    const opened = openedOf({
      candidates: names.map((name, i) => candidateOf(name, `provider-${i % 6}`, { expectedCostUsd: i / 7 })),
      tuning: tuningOf({
        costRatios: dictionaryOf(names.map((name, i) => [name, i / 3])),
        driftOffsets: dictionaryOf(names.map((name, i) => [name, -i / 11])),
      }),
    });
    const record = openedCodec.encode(opened);
    const inLog = openedInLog.decode(record);
    expect(inLog.candidates).toEqual([]);
    expect(Object.keys(inLog.tuning.costRatios)).toEqual([]);
    expect(record.toString('latin1').split('family-3-model-3\n')).toHaveLength(2);
    // Three columns differ from candidate to candidate; the others have one number each, of which two are the same.
    expect(inLog.candidateTable!.numbers).toHaveLength(8 * (3 * 200 + 5));
    const unpacked = { ...opened, candidateTable: null, sparseSketch: Buffer.alloc(0) };
    expect(record.length).toBeLessThan(openedInLog.encode(unpacked).length / 2);
  });

  test.each([{ strategyGroups: ['strategy-threads', 'strategy-threads-slow'] }, { shadowGroups: ['python-cheapest'] }])(
    'whoever has a group of its own may be another program: it finds lists (%j)',
    (change) => {
      const opened = openedOf(change);
      const inLog = openedInLog.decode(openedCodec.encode(opened));
      expect(inLog).toEqual({ ...opened, candidateTable: null, sparseSketch: Buffer.alloc(0) });
    },
  );

  test('records of the release before are read', () => {
    const opened = openedOf({ tuning: tuningOf({ costRatios: { large: 2 } }), tiesShare: false });
    const id = schemaVersions['RouteOpened']!.at(-2)!.id;
    expect(openedCodec.decode(olderBytes('RouteOpened', id, opened))).toEqual(opened);
  });

  test.each<[string, Partial<RouteOpened>]>([
    [
      'candidates.1.expectedQuality',
      { candidates: [candidateOf('a', 'p'), candidateOf('b', 'p', { expectedQuality: 'x' as never })] },
    ],
    ['candidates.0.declared', { candidates: [candidateOf('a', 'p', { declared: { quality: 1 } as never })] }],
    ['candidates.0.health', { candidates: [candidateOf('a', 'p', { health: 'ILL' as never })] }],
    ['candidates.0.model', { candidates: [candidateOf(7 as never, 'p')] }],
    ['candidates', { candidates: undefined as never }],
    ['tuning.costRatios.a', { tuning: tuningOf({ costRatios: { a: 'x' as never } }) }],
    ['sketch', { sketch: 'x' as never }],
  ])('what cannot be written is named: %s', (field, changes) => {
    expect(() => openedCodec.encode(openedOf(changes))).toThrow(InvalidRecordError);
    expect(() => openedCodec.encode(openedOf(changes))).toThrow(`RouteOpened.${field}`);
  });

  test('a name with a line feed in it and two candidates of one name are written as lists', () => {
    for (const candidates of [[candidateOf('a\nb', 'p')], [candidateOf('a', 'p'), candidateOf('a', 'q')]]) {
      const opened = openedOf({ candidates, tuning: tuningOf({ costRatios: { a: 1 } }) });
      const record = openedCodec.encode(opened);
      expect(openedInLog.decode(record).candidateTable).toBeNull();
      expect(openedCodec.decode(record)).toEqual(opened);
    }
  });

  describe('tables that do not fit together are undecodable', () => {
    const inLog = openedInLog.decode(openedCodec.encode(openedOf()));
    const table = inLog.candidateTable!;
    test.each<[string, Partial<CandidateTable>]>([
      ['a model more', { models: `${table.models}more\n` }],
      ['a name without end', { models: table.models.slice(0, -1) }],
      ['no providers', { providers: '' }],
      ['no flags', { flags: Buffer.alloc(0) }],
      ['a health that is none', { flags: Buffer.from([6, 1, 1]) }],
      ['a reason that is not there', { flags: Buffer.from([64, 1, 1]) }],
      ['no numbers', { numbers: Buffer.alloc(0) }],
      ['part of a number', { numbers: table.numbers.subarray(0, 5) }],
      ['no places', { places: Buffer.alloc(0) }],
      ['an empty column', { places: Buffer.alloc(11, 255) }],
      ['a number that is not there', { places: Buffer.alloc(11, 200) }],
      ['a column that is not there', { places: Buffer.alloc(11, 90) }],
      [
        'a hundred thousand models',
        {
          models: 'm\n'.repeat(100_000),
          providers: 'p\n'.repeat(100_000),
          flags: Buffer.alloc(100_000),
          places: Buffer.alloc(11, 128),
        },
      ],
    ])('%s', (_name, changes) => {
      const record = openedInLog.encode({ ...inLog, candidateTable: { ...table, ...changes } });
      expect(() => openedCodec.decode(record)).toThrow(UndecodableError);
    });

    test('law: changed bytes are decoded or undecodable', () => {
      fc.assert(
        fc.property(
          anyRoute,
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          (opened, changes) => {
            const bytes = Buffer.from(openedCodec.encode(opened));
            for (const [at, byte] of changes) bytes[5 + (at % (bytes.length - 5))] = byte;
            try {
              openedCodec.decode(bytes);
            } catch (error) {
              expect(error).toBeInstanceOf(UndecodableError);
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  });

  test('fields of the table are found when they are asked for alone', () => {
    const opened = openedOf();
    const record = openedCodec.encode(opened);
    expect(openedCodec.decodeFields(record, ['requestId'])).toEqual({ requestId: 'r1' });
    expect(openedCodec.decodeFields(record, ['candidates']).candidates).toEqual(opened.candidates);
    expect(openedCodec.partDecoder({ requestId: true })(record)).toEqual({ requestId: 'r1' });
    expect(openedCodec.partDecoder({ candidates: { model: true } })(record)).toEqual(opened);
  });
});

describe('scores', () => {
  const scoredOf = (threads: ThreadScore[]): StrategyScored => ({
    requestId: 'r1',
    routingKey: 'r1',
    group: 'strategy-threads',
    threads,
    scoredAtMs: 5,
  });
  const anyThreads = fc.nat(5).chain((candidates) => {
    const list = fc.array(fc.double(), { minLength: candidates, maxLength: candidates });
    const lists = fc.tuple(list, fc.oneof(list, fc.constant<number[]>([])), list);
    return fc
      .array(lists, { maxLength: 8 })
      .map((all) =>
        all.map(([probabilities, utilities, qualities], i) =>
          threadOf(`S${i}`, probabilities, { utilities, qualities }),
        ),
      );
  });

  test('law: what is read is what was written', () => {
    fc.assert(
      fc.property(anyThreads, (threads) => {
        const scored = scoredOf(threads);
        expect(scoredCodec.decode(scoredCodec.encode(scored))).toEqual(scored);
      }),
    );
  });

  test('what threads have in common is written once, 0 and -0 apart', () => {
    const qualities = [0.1, 0.2, 0.3];
    const threads = ['A', 'B', 'C'].map((name, i) =>
      threadOf(name, [i === 2 ? -0 : 0, 1, 0], { qualities: [...qualities], utilities: [1, 1, 1] }),
    );
    const record = scoredCodec.encode(scoredOf(threads));
    const { columns, threads: inLog } = scoredInLog.decode(record);
    expect(columns!.numbers).toHaveLength(8 * (3 * 3 + 1));
    expect(inLog.map(({ probabilities }) => probabilities)).toEqual([[], [], []]);
    expect(scoredCodec.decode(record).threads).toEqual(threads);
  });

  test('scores of other programs, with lists in their threads, are read, and so are those of the release before', () => {
    const scored = scoredOf([threadOf('A', [1, 0, 0]), threadOf('B', [], { status: 'FAILED' })]);
    expect(scoredCodec.decode(scoredInLog.encode({ ...scored, columns: null }))).toEqual(scored);
    const id = schemaVersions['StrategyScored']!.at(-2)!.id;
    expect(scoredCodec.decode(olderBytes('StrategyScored', id, scored))).toEqual(scored);
  });

  test('lists of different lengths stay lists', () => {
    const scored = scoredOf([threadOf('A', [1, 0, 0]), threadOf('B', [1, 0])]);
    expect(scoredInLog.decode(scoredCodec.encode(scored)).columns).toBeNull();
    expect(scoredCodec.decode(scoredCodec.encode(scored))).toEqual(scored);
  });

  test.each<[string, Partial<ScoreColumns>]>([
    [
      'two thousand million numbers of a column that has one',
      { candidates: 2_147_483_647, places: Buffer.from([128, 128, 128]) },
    ],
    ['no number', { candidates: 0 }],
    ['fewer numbers than none', { candidates: -1 }],
    ['a list too few', { places: Buffer.from([0, 0]) }],
    ['bytes of half a number', { numbers: Buffer.alloc(4) }],
  ])('columns that do not fit together are undecodable: %s', (_name, changes) => {
    const inLog = scoredInLog.decode(scoredCodec.encode(scoredOf([threadOf('A', [1, 0, 0])])));
    const record = scoredInLog.encode({ ...inLog, columns: { ...inLog.columns!, ...changes } });
    expect(() => scoredCodec.decode(record)).toThrow(UndecodableError);
  });

  test('what cannot be written is named', () => {
    const scored = scoredOf([threadOf('A', [1, 0, 0], { utilities: [1, 'x' as never, 0] })]);
    expect(() => scoredCodec.encode(scored)).toThrow('StrategyScored.threads.0.utilities.1');
  });
});

describe('rows and learning events', () => {
  test('law: a pending route is read as it was written', () => {
    fc.assert(
      fc.property(fc.option(anyRoute), fc.nat(3), (opened, groups) => {
        const scored = Array.from({ length: groups }, (_, i) => ({
          requestId: 'r1',
          routingKey: 'r1',
          group: `g${i}`,
          threads: [threadOf('A', [i, 0.5, 0.25]), threadOf('B', [i, 0.5, 0.25])],
          scoredAtMs: i,
        }));
        const route: PendingRoute = {
          requestId: 'r1',
          opened,
          scored,
          firstSeenMs: 1,
          positions: dictionaryOf(),
          lastScoredAtMs: 0,
          grants: [],
          asks: 0,
        };
        expect(topics.pendingRoutes.codec.decode(topics.pendingRoutes.codec.encode(route))).toEqual(route);
      }),
      { numRuns: 40 },
    );
  });

  test('a decision that waits for outcomes is read as it was written', () => {
    const { codec } = topics.awaitedOutcomes;
    const row = (opened: RouteOpened | null): AwaitedOutcome => ({
      decisionId: 'r1',
      opened,
      decided: null,
      outcomes: [],
      predictedQualities: [],
      firstSeenMs: 1,
      rewarded: false,
      event: null,
      providers: ['p'],
      expectedLatenciesMs: [1],
      accounts: [],
      exposures: [],
    });
    for (const opened of [null, openedOf()]) expect(codec.decode(codec.encode(row(opened)))).toEqual(row(opened));
  });

  test('law: a sketch is read as it was written, and never takes more room', () => {
    const { codec } = topics.learningEvents;
    const inLog = codecOf<LearningEvent & { sparseSketch: Buffer }>('LearningEvent');
    fc.assert(
      fc.property(anySketch, (sketch) => {
        const event = { ...learningEvent, sketch };
        const record = codec.encode(event);
        expect(codec.decode(record)).toEqual(event);
        expect(record.length).toBeLessThanOrEqual(inLog.encode({ ...event, sparseSketch: Buffer.alloc(0) }).length);
      }),
    );
    // What other records hold the same sketch, and whether it was read or made here, changes no byte.
    fc.assert(
      fc.property(anySketch, (sketch) => {
        const event = { ...learningEvent, sketch };
        const record = codec.encode({ ...event, sketch: Buffer.from(sketch) });
        expect(codec.encode(event)).toEqual(record);
        expect(codec.encode(event)).toEqual(record);
        expect(codec.encode(codec.decode(record))).toEqual(record);
      }),
    );
    for (const unlikePacked of [
      // A bit says of a 0 that it is none.
      [16, 0, 3, 0, 7, 0],
      // There is a bit behind the last byte.
      [9, 0, 1, 2, 7],
      // Shorter as it is.
      [4, 0, 15, 1, 2, 3, 4],
    ]) {
      const record = inLog.encode({
        ...learningEvent,
        sketch: Buffer.alloc(0),
        sparseSketch: Buffer.from(unlikePacked),
      });
      expect(() => codec.decode(record)).toThrow(/not as they are packed/);
    }
    const broken = { ...learningEvent, sketch: Buffer.alloc(0), sparseSketch: Buffer.from([16, 0, 255, 255, 1]) };
    expect(() => codec.decode(inLog.encode(broken))).toThrow(UndecodableError);
  });
});

const learningEvent: LearningEvent = {
  eventId: 'e',
  kind: 'CLOSED',
  decisionId: 'd',
  sessionId: null,
  encoderVersion: 'v',
  sketch: Buffer.alloc(0),
  sketchScale: 1,
  handFeatures: Buffer.alloc(0),
  callerFeatures: null,
  contextFeatures: Buffer.alloc(0),
  taskType: 'code',
  models: ['a'],
  eligible: [true],
  propensities: [1],
  expectedCostsUsd: [1],
  priceFactors: [1],
  model: 'a',
  quality: null,
  costUsd: null,
  latencyMs: null,
  fullQualities: [],
  fullCostsUsd: [],
  preference: { quality: 1, cost: 0, latency: 0 },
  strategyPropensities: dictionaryOf(),
  degraded: false,
  provisional: false,
  source: 'unknown',
  revision: 0,
  replaces: null,
  policySha256: null,
  openedAtMs: 1,
  occurredAtMs: 2,
  safe: null,
  tenantId: null,
  strategy: null,
  pace: null,
  stated: null,
  arms: [],
};
