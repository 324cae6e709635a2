import fc from 'fast-check';
import { configToJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { RouteOutcome } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import { createWorld, type World } from '../one-service';
import { decided, opened, outcome, startMs } from './records';

const windowMs = 60_000;
const metrics = createMetrics();
const service = createRewardFeedback({ windowMs, maxAwaited: 1000, metrics });

async function withService(options: Parameters<typeof createWorld>[0] = {}): Promise<World> {
  const world = await createWorld(options);
  await world.start(service);
  return world;
}

async function route(world: World, id: string): Promise<void> {
  await world.send(topics.routeOpened, [opened(id)]);
  await world.send(topics.routeDecided, [decided(id)]);
}

const drops = (world: World, reason: string): Promise<number> =>
  world.metrics.value('quantum_router_drops_total', { service: 'reward-feedback', reason });

describe('reward-feedback', () => {
  test('a refusal ends the wait of the request it refuses, not of one that was opened since or is decided', async () => {
    const world = await withService();
    const refused = (requestId: string, refusedAtMs: number) => ({
      ...{ requestId, sessionId: null, tenantId: null, routingKey: requestId, replyTo: null },
      ...{ code: 'budget_exhausted', account: 'month/t', reason: '', retryAtMs: null, contentHash: null, refusedAtMs },
    });
    await world.send(topics.routeOpened, [opened('refused'), opened('again')]);
    await world.send(topics.routeDecided, [decided('decided')]);
    await world.send(topics.routeRefused, [
      refused('refused', startMs + 5),
      refused('again', startMs - 5),
      refused('decided', startMs + 5),
    ]);
    await world.send(topics.routeDecided, [decided('again')]);
    await world.send(topics.routeOpened, [opened('decided')]);
    await world.send(topics.routeOutcome, [outcome('refused'), outcome('again'), outcome('decided')]);
    expect(world.out(topics.learningEvents).map(({ decisionId }) => decisionId)).toEqual(['again', 'decided']);
  });

  test('an outcome of the decided model becomes an experience with what was pinned and drawn, and an observation', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.clock.advanceBy(1_000);
    await world.send(topics.routeOutcome, [outcome('r1')]);
    expect(world.out(topics.learningEvents)).toEqual([
      {
        eventId: 'r1/1/0',
        kind: 'EXPERIENCE',
        decisionId: 'r1',
        sessionId: null,
        encoderVersion: 'test-1',
        sketch: Buffer.from([1, 2, 255]),
        sketchScale: 0.5,
        handFeatures: Buffer.from(Float32Array.of(0.25).buffer),
        callerFeatures: null,
        contextFeatures: Buffer.alloc(0),
        taskType: 'code',
        models: ['alpha', 'bravo', 'charlie'],
        eligible: [true, true, false],
        propensities: [0.35, 0.65, 0],
        expectedCostsUsd: [0.001, 0.002, 0.003],
        priceFactors: [0.01, 0.02, 0.03],
        model: 'bravo',
        quality: 0.8,
        costUsd: 0.002,
        latencyMs: 900,
        fullQualities: [],
        fullCostsUsd: [],
        preference: { quality: 1, cost: 0.5, latency: 0 },
        strategyPropensities: { BALANCED: 0.7, RANDOM: 0.5 },
        degraded: false,
        provisional: false,
        tenantId: null,
        strategy: 'BALANCED',
        source: 'judge',
        revision: 0,
        replaces: null,
        safe: null,
        pace: null,
        stated: { confidence: 0.6, bestQuality: 0.5 },
        arms: [],
        policySha256: 'aa',
        openedAtMs: startMs,
        occurredAtMs: startMs + 1000,
      },
    ]);
    expect(world.out(topics.modelObserved)).toEqual([
      {
        observationId: 'r1/1/0',
        model: 'bravo',
        provider: 'acme',
        taskType: 'code',
        status: 'SUCCESS',
        quality: 0.8,
        latencyMs: 900,
        costUsd: 0.002,
        inputTokens: 10,
        outputTokens: 20,
        observedAtMs: startMs + 1000,
        revision: 0,
        replacedQuality: null,
        retryAfterMs: null,
        firstTokenMs: null,
        predictedQuality: 0.5,
        openedAtMs: startMs,
      },
    ]);
  });

  test('calls are counted by the model really used, corrections are not', async () => {
    const world = await createWorld();
    await world.start(createRewardFeedback({ windowMs, maxAwaited: 10, metrics: world.metrics }));
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1'), outcome('r1', { revision: 1, quality: 0.1 })]);
    await world.send(topics.routeOutcome, [outcome('r1', { attempt: 2, model: 'alpha', status: 'TIMEOUT' })]);
    const counted = (model: string, status: string) =>
      world.metrics.value('quantum_router_outcomes_total', { model, status });
    expect(await Promise.all([counted('bravo', 'SUCCESS'), counted('alpha', 'TIMEOUT')])).toEqual([1, 1]);
  });

  test('a figure out of range is a dead letter that says the range', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [outcome('r1', { latencyMs: 1e300 })]);
    expect(world.deadLetters(topics.routeOutcome)[0]).toMatchObject({
      field: 'latencyMs',
      reason: 'latencyMs must be 0 to 9007199254740991, not 1e+300',
    });
  });

  test('the three records may come in any order', async () => {
    const send = {
      opened: (world: World) => world.send(topics.routeOpened, [opened('r')]),
      decided: (world: World) => world.send(topics.routeDecided, [decided('r')]),
      outcome: (world: World) => world.send(topics.routeOutcome, [outcome('r')]),
    };
    for (const order of [
      'decided opened outcome',
      'outcome opened decided',
      'outcome decided opened',
      'opened outcome decided',
    ]) {
      const world = await withService();
      for (const step of order.split(' ')) await send[step as keyof typeof send](world);
      expect(world.out(topics.learningEvents).map((event) => [event.eventId, event.quality])).toEqual([['r/1/0', 0.8]]);
      expect(world.out(topics.modelObserved)).toHaveLength(1);
    }
  });

  test('nobody judged within the window: closed, without a quality; outcomes after that are late', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', { quality: null })]);
    await world.clock.advanceBy(windowMs - 1);
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.kind, e.quality, e.costUsd])).toEqual([
      ['r1/1/0', 'EXPERIENCE', null, 0.002],
    ]);
    await world.clock.advanceBy(1);
    await world.send(topics.routeOutcome, [outcome('r1', { revision: 1 })]);
    const closed = world.out(topics.learningEvents)[1];
    expect(closed).toMatchObject({
      eventId: 'r1/closed',
      kind: 'CLOSED',
      model: 'bravo',
      quality: null,
      costUsd: null,
      // The learner has heard of this call: it counts its cost once.
      replaces: { quality: null, costUsd: 0.002 },
    });
    expect(world.out(topics.routeOutcomeLate)).toMatchObject([
      { outcome: { decisionId: 'r1', revision: 1 }, reason: 'its decision was closed' },
    ]);
    await world.clock.advanceBy(2 * windowMs);
    expect(world.out(topics.learningEvents)).toHaveLength(2);
  });

  test('a rewarded decision is not closed as unjudged, and its row goes', async () => {
    const world = await createWorld();
    const running = await world.start(service);
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1')]);
    expect(running.status().rows).toBe(1);
    await world.clock.advanceBy(windowMs);
    expect(running.status().rows).toBe(0);
    expect(world.out(topics.learningEvents).map((event) => event.kind)).toEqual(['EXPERIENCE']);
  });

  test('an outcome without a decision waits for it as long as decisions wait, then is late', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [outcome('nobody')]);
    await world.clock.advanceBy(windowMs - 1);
    expect(world.out(topics.routeOutcomeLate)).toEqual([]);
    await world.clock.advanceBy(1);
    expect(world.out(topics.routeOutcomeLate)).toMatchObject([
      { outcome: { decisionId: 'nobody' }, reason: 'its decision is unknown' },
    ]);
    expect(world.out(topics.learningEvents)).toEqual([]);
  });

  test('half a route: its outcomes are late, and say what was missing', async () => {
    const world = await withService();
    await world.send(topics.routeOpened, [opened('a')]);
    await world.send(topics.routeDecided, [decided('b')]);
    await world.send(topics.routeOutcome, [outcome('a'), outcome('b')]);
    await world.clock.advanceBy(windowMs);
    const late = world.out(topics.routeOutcomeLate).map((one) => [one.outcome.decisionId, one.reason]);
    expect(Object.fromEntries(late)).toEqual({
      a: 'its decision was never seen',
      b: 'its request was never seen opened',
    });
  });

  test('decided model and fallbacks are observed once each, only the decided model at its first attempt is rewarded', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [
      outcome('r1', { status: 'FAILURE', quality: null, costUsd: 0 }),
      outcome('r1', { attempt: 2, model: 'alpha', quality: 0.9 }),
    ]);
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.model, e.quality])).toEqual([
      ['r1/1/0', 'bravo', 0],
    ]);
    expect(world.out(topics.modelObserved).map((o) => [o.model, o.provider, o.status, o.quality])).toEqual([
      ['bravo', 'acme', 'FAILURE', 0],
      ['alpha', 'acme', 'SUCCESS', 0.9],
    ]);
  });

  test('one decision has one vote per model: whatever it claims of other attempts and other models is refused', async () => {
    const world = await withService();
    await route(world, 'r1');
    const failed = { status: 'FAILURE', quality: null } as const;
    await world.send(topics.routeOutcome, [
      outcome('r1', failed),
      ...Array.from({ length: 15 }, (_, i) => outcome('r1', { attempt: i + 2, model: 'alpha', ...failed })),
      outcome('r1', { attempt: 3, model: 'bravo', ...failed }),
      // Not eligible, so it could be neither drawn nor fallen back on.
      outcome('r1', { attempt: 4, model: 'charlie', ...failed }),
    ]);
    expect(world.out(topics.modelObserved).map(({ model }) => model)).toEqual(['bravo', 'alpha']);
    const letters = world.deadLetters(topics.routeOutcome);
    expect(letters).toHaveLength(16);
    expect(new Set(letters.map(({ field }) => field))).toEqual(new Set(['model']));
    expect(letters.at(-1)!.reason).toBe(
      "model charlie is neither the decided model nor one of the decision's fallbacks",
    );
  });

  test('what nobody can believe is capped for everybody who learns, and counted', async () => {
    const world = await createWorld();
    await world.start(createRewardFeedback({ windowMs, maxAwaited: 10, metrics: world.metrics }));
    await route(world, 'r1');
    const absurd = { costUsd: 9e15, latencyMs: 9e15, outputTokens: 2_000_000_000 };
    await world.send(topics.routeOutcome, [outcome('r1', absurd), outcome('r1', { ...absurd, revision: 1 })]);
    // bravo was expected to cost .002 USD and to take a second, and hardly any time has passed.
    const believed = { costUsd: 2, latencyMs: 10_000 };
    expect(world.out(topics.learningEvents)).toMatchObject([
      believed,
      { ...believed, replaces: { quality: 0.8, costUsd: 2 } },
    ]);
    expect(world.out(topics.modelObserved)).toMatchObject([{ ...believed, outputTokens: 10_000_000 }]);
    const capped = (figure: string) => world.metrics.value('quantum_router_implausible_figures_total', { figure });
    expect(await Promise.all(['costUsd', 'latencyMs', 'outputTokens', 'inputTokens'].map(capped))).toEqual([
      1, 1, 1, 0,
    ]);
  });

  test('a call is not of a time before its request or after its report, whatever the clock of its caller says', async () => {
    const world = await withService();
    const times = [
      // Ten thousand years ahead, in seconds instead of milliseconds, and right.
      ['ahead', 253_402_300_799_999, startMs + 5_000],
      ['seconds', startMs / 1_000, startMs],
      ['right', startMs + 3_000, startMs + 3_000],
    ] as const;
    for (const [id] of times) await route(world, id);
    await world.clock.advanceBy(5_000);
    for (const [id, occurredAtMs] of times) await world.send(topics.routeOutcome, [outcome(id, { occurredAtMs })]);
    const believed = times.map(([, , atMs]) => atMs);
    expect(world.out(topics.modelObserved).map(({ observedAtMs }) => observedAtMs)).toEqual(believed);
    expect(world.out(topics.learningEvents).map(({ occurredAtMs }) => occurredAtMs)).toEqual(believed);
  });

  test('no model is believed to have read or written more than it holds', async () => {
    const world = await withService();
    const config = defaultRouterConfig([{ name: 'bravo', provider: 'acme', contextTokens: 8_000 }]);
    await world.send(topics.config, [
      { version: 1, json: configToJson(config), appliedAtMs: 1, appliedBy: '', fileSha256: null },
    ]);
    await route(world, 'r1');
    const absurd = { inputTokens: 2_147_483_647, outputTokens: 2_147_483_647, firstTokenMs: 9e15, retryAfterMs: 9e15 };
    await world.send(topics.routeOutcome, [outcome('r1', absurd)]);
    expect(world.out(topics.modelObserved)).toMatchObject([
      { inputTokens: 8_000, outputTokens: 8_000, firstTokenMs: 20_000, retryAfterMs: 3_600_000 },
    ]);
  });

  test('the caller used another model than decided: observed, no reward', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', { model: 'alpha' })]);
    expect(world.out(topics.learningEvents)).toEqual([]);
    expect(world.out(topics.modelObserved)).toMatchObject([{ model: 'alpha', provider: 'acme' }]);
  });

  test('a higher revision corrects, a lower one and repeats are dropped, a contradiction is a dead letter', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [
      outcome('r1', { provisional: true, quality: 0.8 }),
      outcome('r1', { provisional: true, quality: 0.8 }),
      outcome('r1', { provisional: true, quality: 0.1 }),
      outcome('r1', { revision: 2, quality: 0.3, costUsd: null }),
      outcome('r1', { revision: 1, quality: 0.9 }),
      outcome('r1', { revision: 2, quality: 0.3, costUsd: null }),
    ]);
    expect(
      world.out(topics.learningEvents).map((e) => [e.eventId, e.quality, e.provisional, e.revision, e.costUsd]),
    ).toEqual([
      ['r1/1/0', 0.8, true, 0, 0.002],
      ['r1/1/2', 0.3, false, 2, 0.002],
    ]);
    expect(world.out(topics.learningEvents).map((e) => e.replaces)).toEqual([null, { quality: 0.8, costUsd: 0.002 }]);
    expect(world.out(topics.modelObserved).map((o) => [o.quality, o.replacedQuality, o.latencyMs, o.revision])).toEqual(
      [
        [0.8, null, 900, 0],
        [0.3, 0.8, null, 2],
      ],
    );
    expect(await drops(world, 'duplicate-outcome')).toBe(2);
    expect(world.deadLetters(topics.routeOutcome)).toMatchObject([
      {
        field: 'revision',
        reason: 'revision 0 of this attempt has said another quality; a correction needs a higher revision',
      },
    ]);
    expect(await drops(world, 'superseded-outcome')).toBe(1);
  });

  const unsaid = { quality: null, costUsd: null, latencyMs: null, inputTokens: null, outputTokens: null };
  const cost = { ...unsaid, costUsd: 0.002, latencyMs: 900 };
  const judgement = { ...unsaid, quality: 0.8 };

  test.each([
    ['cost now, judgement later', cost, judgement],
    ['judgement now, cost later', judgement, cost],
  ])('%s, both as revision 0: the second report adds to the first', async (_, first, second) => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', first)]);
    await world.send(topics.routeOutcome, [outcome('r1', second)]);
    // Told again, and told again in parts: nothing new.
    await world.send(topics.routeOutcome, [outcome('r1', first), outcome('r1', { ...cost, quality: 0.8 })]);
    expect(world.out(topics.learningEvents)).toMatchObject([
      { eventId: 'r1/1/0', quality: first.quality, costUsd: first.costUsd, replaces: null },
      {
        eventId: 'r1/1/0+1',
        quality: 0.8,
        costUsd: 0.002,
        latencyMs: 900,
        replaces: { quality: first.quality, costUsd: first.costUsd },
      },
    ]);
    // One call: the profiler hears of the second report as of a correction.
    expect(
      world.out(topics.modelObserved).map((o) => [o.observationId, o.revision, o.quality, o.latencyMs, o.costUsd]),
    ).toEqual([
      ['r1/1/0', 0, first.quality, first.latencyMs, first.costUsd],
      ['r1/1/0+1', 1, second.quality, second.latencyMs, second.costUsd],
    ]);
    expect(await drops(world, 'duplicate-outcome')).toBe(2);
    expect(world.deadLetters(topics.routeOutcome)).toEqual([]);
    await world.clock.advanceBy(windowMs);
    expect(world.out(topics.learningEvents)).toHaveLength(2);
  });

  test('an older revision still brings what no newer one has said', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', { ...judgement, revision: 1 }), outcome('r1', cost)]);
    expect(world.out(topics.learningEvents)).toMatchObject([
      { eventId: 'r1/1/1', quality: 0.8, costUsd: null },
      { eventId: 'r1/1/0', quality: 0.8, costUsd: 0.002, revision: 1, replaces: { quality: 0.8, costUsd: null } },
    ]);
  });

  test('parts reported before the decision is seen make one reward', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [outcome('r1', cost), outcome('r1', judgement)]);
    await route(world, 'r1');
    expect(world.out(topics.learningEvents)).toMatchObject([
      { eventId: 'r1/1/0+1', quality: 0.8, costUsd: 0.002, replaces: null },
    ]);
    expect(world.out(topics.modelObserved)).toMatchObject([{ revision: 0, quality: 0.8, costUsd: 0.002 }]);
  });

  test('a crash between the parts repeats and loses nothing', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', cost)]);
    await world.crash('reward-feedback');
    await world.send(topics.routeOutcome, [outcome('r1', judgement)]);
    await world.crash('reward-feedback');
    await world.send(topics.routeOutcome, [outcome('r1', judgement)]);
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.quality, e.costUsd])).toEqual([
      ['r1/1/0', null, 0.002],
      ['r1/1/0+1', 0.8, 0.002],
    ]);
  });

  test('reports beyond the most of one decision are dead letters: its row has a largest size', async () => {
    const world = await withService();
    await route(world, 'r1');
    const reports = Array.from({ length: 33 }, (_, revision) => outcome('r1', { revision, quality: revision / 64 }));
    await world.send(topics.routeOutcome, reports);
    expect(world.out(topics.learningEvents)).toHaveLength(32);
    expect(world.deadLetters(topics.routeOutcome)).toMatchObject([{ field: 'revision' }]);
  });

  test('user feedback adds to a judge, part by part; a final judgement takes the place of a provisional one', async () => {
    const world = await withService();
    for (const id of ['added', 'replaced', 'kept']) await route(world, id);
    const feedback = { revision: 1, quality: null, rewardParts: { userFeedback: 1 } };
    await world.send(topics.routeOutcome, [
      outcome('added', { quality: 0.5, rewardParts: { format: 0 } }),
      outcome('added', feedback),
      outcome('replaced', { quality: 0.5, provisional: true }),
      outcome('replaced', feedback),
      outcome('kept', { quality: 0.5, provisional: true }),
      outcome('kept', { revision: 1, quality: null, costUsd: 0.004 }),
    ]);
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.quality, e.costUsd])).toEqual(
      expect.arrayContaining([
        ['added/1/0', 0.25, 0.002],
        ['added/1/1', 0.5, 0.002],
        ['replaced/1/1', 1, 0.002],
        ['kept/1/1', 0.5, 0.004],
      ]),
    );
  });

  test('weights of the parts follow the configuration; events that are written keep their quality', async () => {
    const world = await createWorld();
    await world.start(createRewardFeedback({ windowMs, maxAwaited: 10, metrics: world.metrics }));
    const apply = (version: number, weights: Record<string, number>) => {
      const config = defaultRouterConfig([{ name: 'bravo', provider: 'acme' }], { reward: { weights } });
      return world.send(topics.config, [
        { version, json: configToJson(config), appliedAtMs: 1, appliedBy: '', fileSha256: null },
      ]);
    };
    const judge = async (id: string) => {
      await route(world, id);
      await world.send(topics.routeOutcome, [outcome(id, { quality: 0.2, rewardParts: { userFeedback: 1 } })]);
    };
    await judge('before');
    await apply(1, { quality: 3 });
    await judge('judge');
    await apply(2, { quality: 0 });
    await judge('user');
    await apply(3, { quality: 0, userFeedback: 0 });
    await judge('nobody');
    // A correction is weighed anew, with all that has been said so far.
    await apply(4, { userFeedback: 0 });
    await world.send(topics.routeOutcome, [outcome('judge', { revision: 1, quality: null, costUsd: 0.003 })]);
    expect(Object.fromEntries(world.out(topics.learningEvents).map((e) => [e.eventId, e.quality]))).toEqual({
      'before/1/0': 0.6,
      'judge/1/0': expect.closeTo(0.4, 12),
      'user/1/0': 1,
      'nobody/1/0': null,
      'judge/1/1': 0.2,
    });
  });

  test('a correction that comes before the decision is seen counts at once, its elder not at all', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [
      outcome('r1', { revision: 1, quality: 0.1 }),
      outcome('r1', { revision: 0, quality: 0.9 }),
    ]);
    await route(world, 'r1');
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.quality, e.replaces])).toEqual([
      ['r1/1/1', 0.1, null],
    ]);
    expect(await drops(world, 'superseded-outcome')).toBeGreaterThan(0);
  });

  test('delayed to the last moment of the window an outcome counts, and so does its correction', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.clock.advanceBy(windowMs - 2);
    await world.send(topics.routeOutcome, [outcome('r1')]);
    await world.clock.advanceBy(1);
    await world.send(topics.routeOutcome, [outcome('r1', { revision: 1, quality: 0.1 })]);
    await world.clock.advanceBy(windowMs);
    await world.send(topics.routeOutcome, [outcome('r1', { revision: 2, quality: 0.9 })]);
    await world.clock.advanceBy(windowMs);
    expect(world.out(topics.learningEvents).map((e) => [e.eventId, e.kind])).toEqual([
      ['r1/1/0', 'EXPERIENCE'],
      ['r1/1/1', 'EXPERIENCE'],
    ]);
    expect(world.out(topics.routeOutcomeLate).map(({ outcome: late }) => late.revision)).toEqual([2]);
  });

  test('a rate-limited call that is tried again: judged by what came of it in the end', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [
      outcome('r1', { status: 'RATE_LIMITED', quality: null, costUsd: null }),
      outcome('r1', { revision: 1, quality: 0.7 }),
    ]);
    expect(world.out(topics.learningEvents).map((e) => [e.quality, e.costUsd, e.replaces])).toEqual([
      [null, null, null],
      [0.7, 0.002, { quality: null, costUsd: null }],
    ]);
  });

  test('a correction that names another model is a dead letter', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1'), outcome('r1', { revision: 1, model: 'alpha' })]);
    expect(world.deadLetters(topics.routeOutcome as never)).toMatchObject([{ field: 'model' }]);
  });

  test('reward parts make a quality where none is given; a cancelled or rate-limited call is no judgement', async () => {
    const world = await withService();
    for (const id of ['parts', 'cancelled', 'limited', 'timeout', 'nothing']) await route(world, id);
    await world.send(topics.routeOutcome, [
      outcome('parts', { quality: null, rewardParts: { userFeedback: 1, format: 0.5 } }),
      outcome('cancelled', { quality: null, status: 'CANCELLED' }),
      outcome('limited', { status: 'RATE_LIMITED' }),
      outcome('timeout', { status: 'TIMEOUT' }),
      outcome('nothing', { status: 'CANCELLED', quality: null, costUsd: null, latencyMs: null }),
    ]);
    expect(Object.fromEntries(world.out(topics.learningEvents).map((e) => [e.decisionId, e.quality]))).toEqual({
      parts: 0.75,
      cancelled: null,
      limited: null,
      timeout: 0,
    });
    expect(world.out(topics.modelObserved)).toHaveLength(5);
  });

  test.each<[string, Partial<RouteOutcome>]>([
    ['model', { model: 'unheard-of' }],
    ['model', { model: '' }],
    ['quality', { quality: Number.NaN }],
    ['quality', { quality: 1.5 }],
    ['quality', { quality: -0.1 }],
    ['latencyMs', { latencyMs: -1 }],
    ['costUsd', { costUsd: Number.POSITIVE_INFINITY }],
    ['inputTokens', { inputTokens: -1 }],
    ['outputTokens', { outputTokens: -5 }],
    ['occurredAtMs', { occurredAtMs: -1 }],
    ['attempt', { attempt: 0 }],
    ['attempt', { attempt: 17 }],
    ['revision', { revision: -1 }],
    ['rewardParts.userFeedback', { rewardParts: { userFeedback: 2 } }],
    ['rewardParts', { rewardParts: { ['x'.repeat(65)]: 1 } }],
    ['source', { source: 's'.repeat(201) }],
    ['model', { model: 'm'.repeat(201) }],
    ['rewardParts', { rewardParts: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`p${i}`, 1])) }],
  ])('an outcome with a bad %s is a dead letter and disturbs nothing', async (field, change) => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOutcome, [outcome('r1', change), outcome('r1')]);
    expect(world.deadLetters(topics.routeOutcome as never)).toMatchObject([{ field, group: 'reward-feedback' }]);
    expect(world.out(topics.learningEvents)).toHaveLength(1);
  });

  test('an empty decision id is a dead letter', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [outcome('', { routingKey: 'k' })]);
    expect(world.deadLetters(topics.routeOutcome as never)).toMatchObject([{ field: 'decisionId' }]);
  });

  test('an early outcome of an unknown model is late, not lost', async () => {
    const world = await withService();
    await world.send(topics.routeOutcome, [outcome('r1', { model: 'unheard-of' })]);
    await route(world, 'r1');
    expect(world.out(topics.routeOutcomeLate)).toMatchObject([
      { reason: 'model unheard-of was no candidate of this decision (alpha, bravo, charlie)' },
    ]);
    await world.send(topics.routeOutcome, [outcome('r1')]);
    expect(world.out(topics.learningEvents)).toHaveLength(1);
  });

  test('a second opened or decided record of a request changes nothing', async () => {
    const world = await withService();
    await route(world, 'r1');
    await world.send(topics.routeOpened, [opened('r1', { taskType: 'other' })]);
    await world.send(topics.routeDecided, [decided('r1', { model: 'alpha' })]);
    await world.send(topics.routeOutcome, [outcome('r1')]);
    expect(world.out(topics.learningEvents)).toMatchObject([{ model: 'bravo', taskType: 'code' }]);
    expect(await drops(world, 'duplicate-opened')).toBe(1);
    expect(await drops(world, 'duplicate-decided')).toBe(1);
  });

  test('an outcome that a foreign client hashed elsewhere finds its decision', async () => {
    const world = await withService({ partitions: 4 });
    await route(world, 'r1');
    for (let partition = 0; partition < 4; partition++) {
      await world.send(topics.routeOutcome, [outcome('r1', { revision: partition })], { partition });
    }
    const events = world.out(topics.learningEvents);
    expect(events.length).toBeGreaterThan(0);
    expect(events.at(-1)!.revision).toBe(3);
    expect(world.deadLetters(topics.routeOutcome as never)).toEqual([]);
  });

  test('a decision of the degradation ladder is marked', async () => {
    const world = await withService();
    await world.send(topics.routeOpened, [opened('r1')]);
    await world.send(topics.routeDecided, [decided('r1', { degradedTo: 'CHEAPEST_HEALTHY' })]);
    await world.send(topics.routeOutcome, [outcome('r1')]);
    expect(world.out(topics.learningEvents)).toMatchObject([{ degraded: true }]);
  });

  test('full: the oldest decisions are closed early, none is lost silently', async () => {
    const world = await createWorld({ partitions: 1 });
    const running = await world.start(createRewardFeedback({ windowMs, maxAwaited: 10, metrics: world.metrics }));
    for (let i = 0; i < 15; i++) {
      await route(world, `r${i}`);
      await world.clock.advanceBy(10);
    }
    expect(running.status().rows).toBe(10);
    expect(world.out(topics.learningEvents).map((e) => e.eventId)).toEqual(
      ['r0', 'r1', 'r2', 'r3', 'r4'].map((id) => `${id}/closed`),
    );
    await world.send(topics.routeOutcome, [outcome('r1'), outcome('r14')]);
    expect(world.out(topics.routeOutcomeLate).map((late) => late.outcome.decisionId)).toEqual(['r1']);
    expect(world.out(topics.learningEvents).at(-1)!.eventId).toBe('r14/1/0');
  });

  test('whatever is lost and redelivered, each learning event is written once and every decision sees its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 1000 }), async (dice, seed) => {
        const next = (bound: number): number => dice.next().value % bound;
        const world = await createWorld({
          partitions: 3,
          seed,
          unkindness: { gapRate: 0.1, permute: true, maxWriteDelayMs: 3, lostAcknowledgementRate: 0 },
        });
        const starting = world.start(service);
        await world.clock.advanceBy(50);
        await starting;
        const ids = Array.from({ length: 12 }, (_, i) => `r${i}`);
        const judged = new Set<string>();
        for (const id of ids) {
          const all = [
            () => world.send(topics.routeOpened, [opened(id)]),
            () => world.send(topics.routeDecided, [decided(id)]),
            () => world.send(topics.routeOutcome, [outcome(id)]),
          ];
          if (next(3) === 0) all.pop();
          else judged.add(id);
          for (const step of all) {
            const sending = step();
            await world.clock.advanceBy(next(80));
            await world.clock.advanceBy(10);
            await sending;
            if (next(5) === 0) await world.crash('reward-feedback');
          }
        }
        await world.clock.advanceBy(2 * windowMs);
        const events = world.out(topics.learningEvents).map((event) => event.eventId);
        expect(new Set(events).size).toBe(events.length);
        expect(events.sort()).toEqual(ids.map((id) => (judged.has(id) ? `${id}/1/0` : `${id}/closed`)).sort());
        expect(world.fatal).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  test('however the parts of a report and crashes fall, the events of a decision take the place of one another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 1000 }), async (dice, seed) => {
        const next = (bound: number): number => dice.next().value % bound;
        const world = await createWorld({
          partitions: 2,
          seed,
          unkindness: { gapRate: 0.1, permute: true, maxWriteDelayMs: 3, lostAcknowledgementRate: 0 },
        });
        const starting = world.start(service);
        await world.clock.advanceBy(50);
        await starting;
        const ids = Array.from({ length: 6 }, (_, i) => `r${i}`);
        for (const id of ids) {
          const steps = [
            () => world.send(topics.routeOpened, [opened(id)]),
            () => world.send(topics.routeDecided, [decided(id)]),
            () => world.send(topics.routeOutcome, [outcome(id, cost)]),
            () => world.send(topics.routeOutcome, [outcome(id, judgement)]),
          ];
          while (steps.length > 0) {
            const sending = steps.splice(next(steps.length), 1)[0]!();
            await world.clock.advanceBy(next(80));
            await world.clock.advanceBy(10);
            await sending;
            if (next(4) === 0) await world.crash('reward-feedback');
          }
        }
        await world.clock.advanceBy(windowMs / 2);
        for (const id of ids) {
          const events = world.out(topics.learningEvents).filter(({ decisionId }) => decisionId === id);
          const said = events.map(({ quality, costUsd }) => ({ quality, costUsd }));
          expect(said.at(-1)).toEqual({ quality: 0.8, costUsd: 0.002 });
          expect(events.map(({ replaces }) => replaces)).toEqual([null, ...said.slice(0, -1)]);
        }
        expect(world.fatal).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});
