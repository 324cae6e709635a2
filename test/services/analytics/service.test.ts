/** The analytics stages alone: what each record does to its windows, restarts, corrections, and a rebuild from the log. */
import { jsonFormat } from '../../../lib/analytics/answer-format';
import { type AnalyticsQuery, answerQuery } from '../../../lib/analytics/answer-query';
import type { MetricName } from '../../../lib/analytics/metrics';
import { createWindowStore } from '../../../lib/analytics/window-store';
import type { Exposure, LearningEvent, ModelObserved } from '../../../lib/topics/generated/messages';
import { readRow } from '../../../lib/topics/read-row';
import { topics } from '../../../lib/topics/topics';
import { createAnalytics, createAnalyticsRewards } from '../../../services/analytics/service';
import { learningEvent } from '../dqn-trainer/records';
import { createWorld, type World } from '../one-service';
import { decided, opened, outcome } from '../reward-feedback/records';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function observed(id: string, change: Partial<ModelObserved> = {}): ModelObserved {
  return {
    observationId: id,
    model: 'bravo',
    provider: 'acme',
    taskType: 'code',
    status: 'SUCCESS',
    quality: 0.5,
    latencyMs: 800,
    costUsd: 0.002,
    inputTokens: 100,
    outputTokens: 50,
    observedAtMs: 0,
    revision: 0,
    replacedQuality: null,
    retryAfterMs: null,
    firstTokenMs: null,
    predictedQuality: null,
    openedAtMs: null,
    ...change,
  };
}

/** What a reader of the changelogs answers. */
function ask(world: World, metrics: MetricName[], by: AnalyticsQuery['by'] = 'none', stepMs = hourMs) {
  const store = createWindowStore();
  for (const topic of [topics.analyticsWindows, topics.analyticsRewards])
    for (const record of world.broker.records(topic.name)) {
      if (record.key?.startsWith('\u0000')) continue;
      const read = readRow(topic, record);
      if (read.kind !== 'foreign')
        store.set(`${topic.name}/${record.partition}`, read.key, read.kind === 'row' ? read.value : null);
    }
  const toMs = world.clock.nowMs() + hourMs;
  const query = { fromMs: world.clock.nowMs() - 30 * 24 * hourMs, toMs, stepMs, metrics, by };
  const rows = JSON.parse(`[${[...answerQuery(store, query, jsonFormat)].join('')}]`);
  return rows.map(({ of, values }: Record<'of' | 'values', object>) => ({ ...of, ...values }));
}

async function committed(world: World): Promise<void> {
  await world.clock.advanceBy(1_000);
}

async function started(): Promise<World> {
  const world = await createWorld();
  await world.start(createAnalytics());
  await world.start(createAnalyticsRewards({ metrics: world.metrics }));
  return world;
}

const experience = (world: World, change: Partial<LearningEvent>): LearningEvent =>
  learningEvent(0, {
    models: ['alpha', 'bravo'],
    model: 'bravo',
    quality: 0.5,
    taskType: 'code',
    tenantId: 'team',
    strategy: 'BALANCED',
    openedAtMs: world.clock.nowMs(),
    ...change,
  });

test('decisions, calls and rewards are summed by each dimension', async () => {
  const world = await started();
  const decidedAtMs = world.clock.nowMs();
  await world.send(topics.routeOpened, [
    opened('a', { openedAtMs: decidedAtMs }),
    opened('b', { openedAtMs: decidedAtMs }),
  ]);
  await world.send(topics.routeDecided, [
    decided('a', {
      decidedAtMs,
      tenantId: 'team',
      stagesMs: { queued: 0, intake: 0, strategies: 0, collapse: 0, total: 4 },
    }),
    decided('b', { decidedAtMs, model: 'charlie', provider: 'zenith', degradedTo: 'STATIC_STRATEGIES' }),
  ]);
  await world.send(topics.modelObserved, [
    observed('a', { observedAtMs: decidedAtMs }),
    observed('b', {
      observedAtMs: decidedAtMs,
      model: 'charlie',
      provider: 'zenith',
      status: 'TIMEOUT',
      latencyMs: 9_000,
    }),
  ]);
  await world.send(topics.learningEvents, [experience(world, { quality: 0.75 })]);
  await committed(world);
  expect(
    ask(world, ['decisions', 'degradedShare', 'calls', 'errorRate', 'latencyMs', 'judged', 'quality', 'utility']),
  ).toEqual([
    {
      decisions: 2,
      degradedShare: 0.5,
      calls: 2,
      errorRate: 0.5,
      latencyMs: 800,
      judged: 1,
      quality: 0.75,
      utility: 0.75,
    },
  ]);
  expect(ask(world, ['decisions', 'costUsd'], 'model')).toEqual([
    { model: 'bravo', decisions: 1, costUsd: 0.002 },
    { model: 'charlie', decisions: 1, costUsd: 0.002 },
  ]);
  expect(ask(world, ['decisions', 'judged'], 'tenant')).toEqual([
    { tenant: '', decisions: 1, judged: 0 },
    { tenant: 'team', decisions: 1, judged: 1 },
  ]);
  expect(ask(world, ['calls', 'quality'], 'model,task')).toEqual([
    { model: 'bravo', task: 'code', calls: 1, quality: 0.75 },
    { model: 'charlie', task: 'code', calls: 1, quality: null },
  ]);
  expect(ask(world, ['latencyMsP95'], 'model')).toEqual([
    { model: 'bravo', latencyMsP95: expect.closeTo(800, -2) },
    { model: 'charlie', latencyMsP95: null },
  ]);
});

test('arms of experiments have decisions and judgements of their own, corrections included', async () => {
  const world = await started();
  const exposure = (arm: string, armIndex: number): Exposure => ({
    ...{ experiment: 'weighted', definition: 'a', arm, armIndex, unit: 'u' },
    ...{ expectedQuality: 0.5, expectedCostUsd: 0.001, expectedLatencyMs: 500 },
  });
  const decidedAtMs = world.clock.nowMs();
  await world.send(topics.routeDecided, [
    decided('a', { decidedAtMs, exposures: [exposure('control', 0)] }),
    decided('b', { decidedAtMs, exposures: [exposure('changed', 1)], degradedTo: 'STATIC_STRATEGIES' }),
    decided('c', { decidedAtMs }),
  ]);
  const replaces = { quality: 0.2, costUsd: 0.001 };
  await world.send(topics.learningEvents, [
    experience(world, { arms: ['weighted/control'], quality: 0.2 }),
    experience(world, { arms: ['weighted/control'], quality: 0.75, revision: 1, replaces, eventId: 'd0/1/1' }),
    experience(world, { decisionId: 'c', eventId: 'c/1/0', quality: 1 }),
  ]);
  await committed(world);
  expect(ask(world, ['decisions', 'degradedShare', 'judged', 'quality'], 'experiment')).toEqual([
    { experiment: 'weighted', arm: 'changed', decisions: 1, degradedShare: 1, judged: 0, quality: null },
    { experiment: 'weighted', arm: 'control', decisions: 1, degradedShare: 0, judged: 1, quality: 0.75 },
  ]);
});

test('a late outcome and a correction change the window of their decision, not that of today', async () => {
  const world = await started();
  const openedAtMs = world.clock.nowMs();
  await world.send(topics.learningEvents, [experience(world, { openedAtMs, quality: 0.2, costUsd: 0.01 })]);
  await world.clock.advanceBy(50 * minuteMs);
  const replaces = { quality: 0.2, costUsd: 0.01 };
  await world.send(topics.learningEvents, [
    experience(world, { openedAtMs, quality: 1, costUsd: 0.01, revision: 1, replaces, eventId: 'd0/1/1' }),
    experience(world, { openedAtMs, quality: 0.6, decisionId: 'late', eventId: 'late/1/0' }),
  ]);
  await committed(world);
  expect(ask(world, ['judged', 'quality'], 'none', minuteMs)).toEqual([{ judged: 2, quality: expect.closeTo(0.8) }]);
});

test('what breaks off behind all that is counted of it is put aside', async () => {
  const world = await started();
  const atMs = world.clock.nowMs();
  const records = [
    [topics.routeOpened, topics.routeOpened.codec.encode(opened('a', { openedAtMs: atMs }))],
    [topics.routeDecided, topics.routeDecided.codec.encode(decided('a', { decidedAtMs: atMs }))],
    [topics.learningEvents, topics.learningEvents.codec.encode(experience(world, {}))],
  ] as const;
  await world.broker
    .producer('stranger')
    .send(records.map(([{ name }, bytes]) => ({ topic: name, partition: 0, key: 'a', value: bytes.subarray(0, -1) })));
  await committed(world);
  for (const [topic, bytes] of records) {
    const [letter, ...others] = world.deadLetters(topic);
    expect(others).toEqual([]);
    // For the reason that reading all of it has.
    expect(() => topic.codec.decode(bytes.subarray(0, -1))).toThrow(letter!.reason);
  }
  expect(ask(world, ['decisions', 'judged'])).toEqual([]);
});

test('what came too late is counted as such when it comes, and in nothing else', async () => {
  const world = await started();
  await world.send(topics.routeDecided, [decided('a', { decidedAtMs: world.clock.nowMs() })]);
  await world.clock.advanceBy(3 * hourMs);
  const late = (decisionId: string) => ({
    outcome: outcome(decisionId, { quality: 1, costUsd: 9 }),
    reason: 'its decision was closed',
    receivedAtMs: world.clock.nowMs(),
  });
  await world.send(topics.routeOutcomeLate, [late('a'), late('never made')]);
  await committed(world);
  expect(ask(world, ['decisions', 'lateOutcomes', 'calls', 'judged', 'costUsd'])).toEqual([
    { decisions: 1, lateOutcomes: 0, calls: 0, judged: 0, costUsd: 0 },
    { decisions: 0, lateOutcomes: 2, calls: 0, judged: 0, costUsd: 0 },
  ]);
  await world.crash('analytics');
  await committed(world);
  expect(ask(world, ['lateOutcomes']).at(-1)).toEqual({ lateOutcomes: 2 });
});

test('a judgement that is taken back leaves none', async () => {
  const world = await started();
  await world.send(topics.learningEvents, [
    experience(world, { quality: 0.9 }),
    experience(world, { quality: null, revision: 1, eventId: 'd0/1/1', replaces: { quality: 0.9, costUsd: 0.001 } }),
  ]);
  await committed(world);
  expect(ask(world, ['judged', 'quality'])).toEqual([{ judged: 0, quality: null }]);
});

test('nothing is counted twice or lost when the service dies', async () => {
  const world = await started();
  for (let i = 0; i < 20; i++) {
    await world.send(topics.routeDecided, [decided(`r${i}`, { decidedAtMs: world.clock.nowMs() })]);
    if (i % 3 === 0) await committed(world);
    if (i % 4 === 0) await world.crash('analytics');
  }
  await committed(world);
  expect(ask(world, ['decisions'])).toEqual([{ decisions: 20 }]);
  expect(world.fatal).toEqual([]);
});

test('the same log makes the same windows', async () => {
  const first = await started();
  const decisions = Array.from({ length: 10 }, (_, i) => decided(`r${i}`, { decidedAtMs: first.clock.nowMs() }));
  for (const decision of decisions) {
    await first.send(topics.routeDecided, [decision]);
    await committed(first);
  }
  const second = await createWorld();
  await second.send(topics.routeDecided, decisions);
  await second.start(createAnalytics());
  await committed(second);
  const metrics: MetricName[] = ['decisions', 'expectedCostUsd', 'decisionMsP95'];
  expect(ask(second, metrics, 'none')).toEqual(ask(first, metrics, 'none'));
});

test('rows go when their time is over, and what is of another age is passed over', async () => {
  const world = await started();
  const nowMs = world.clock.nowMs();
  await world.send(topics.routeDecided, [
    decided('now', { decidedAtMs: nowMs }),
    decided('ahead', { decidedAtMs: nowMs + 100 * 24 * hourMs }),
  ]);
  await committed(world);
  expect(ask(world, ['decisions'], 'none', minuteMs)).toEqual([{ decisions: 1 }]);
  await world.clock.advanceBy(27 * hourMs);
  expect(ask(world, ['decisions'], 'none', minuteMs)).toEqual([]);
  expect(ask(world, ['decisions'], 'none', 24 * hourMs)).toEqual([{ decisions: 1 }]);
});
