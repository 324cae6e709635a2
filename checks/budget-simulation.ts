/**
 * Tenants at their last cent: hundreds of requests at once, on several instances of the services that vanish and come back, over
 * a broker that duplicates, reorders and loses acknowledgements. What was really spent is added up from the outcomes and held
 * against the limit.
 */
import { defaultUnkindness, type MemoryBroker } from '../lib/adapters/memory/memory-broker';
import { createVirtualClock, runToEnd } from '../lib/adapters/memory/virtual-clock';
import { routeOutcome, routeRequest } from '../lib/client/build-records';
import { configToJson } from '../lib/config/parse-config';
import type { RouterConfig } from '../lib/config/router-config';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import type { BudgetState, RouteDecided, RouteRefused } from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';
import { createBudgets } from '../services/budgets/service';
import { createExperiments } from '../services/experiments/service';
import { memoryHome } from '../services/home';
import { persistently, startInstance } from './start-instance';

export interface BudgetSimulationOptions {
  readonly seed: number;
  /** With one budget per tenant in it. */
  readonly config: RouterConfig;
  /** Requests of the tenant `spender`, all within a second, and of `other`, which no budget concerns. */
  readonly requests: number;
  readonly otherRequests: number;
  readonly instances: number;
  readonly kills: number;
}

export interface BudgetSimulationResult {
  readonly violations: readonly string[];
  readonly decided: number;
  readonly refused: number;
  /** Reported costs of all calls of the spender, in USD. */
  readonly spentUsd: number;
  /** Of these, what calls cost more than was expected of them. */
  readonly beyondUsd: number;
  readonly limitUsd: number;
  /** As the budget says itself. */
  readonly state: BudgetState | null;
  /** Longest time from request to decision of somebody without a budget, while no instance was away, in virtual milliseconds. */
  readonly otherMs: number;
}

const partitions = 4;
const burstMs = 1_000;
/** A call is reported at most so long after its decision. */
const reportedWithinMs = 2_000;
const restartMs = 200;
const tolerance = 1e-9;

export async function simulateBudgets(options: BudgetSimulationOptions): Promise<BudgetSimulationResult> {
  const { seed, config, instances } = options;
  const clock = createVirtualClock();
  const random = seededRandom(seed, 'budget-simulation');
  const ground = memoryHome({ clock, seed, unkindness: defaultUnkindness });
  const broker = ground.broker as MemoryBroker;
  const failures: string[] = [];
  const startedMs = clock.nowMs();
  const outages: { fromMs: number; toMs: number }[] = [];

  const start = () =>
    startInstance({
      ...{ ground, random, seed, config, partitions },
      beside: (metrics) => [createBudgets({ metrics }), createExperiments({ metrics })],
      external: [topics.modelProfile, topics.tuning, topics.weightsPublished],
      onFatal: (why) => failures.push(why),
    });

  const producer = ground.broker.producer('spenders');
  const ask = async (tenantId: string, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await sleep(clock, (burstMs / count) * 2 * random.next());
      const request = routeRequest({
        requestId: `${tenantId}-${i}`,
        requestedAtMs: clock.nowMs(),
        tenantId,
        sessionId: random.next() < 0.3 ? `${tenantId}-session-${random.integer(20)}` : null,
        prompt: 'What is the capital of France?',
      });
      const value = topics.routeRequested.codec.encode(request);
      const record = { topic: topics.routeRequested.name, key: topics.routeRequested.keyOf(request), value };
      await persistently(clock, () => producer.send([record]));
      if (random.next() < 0.05) await persistently(clock, () => producer.send([record]));
    }
  };

  /** Every decision is called and reported once, at half to one and a half times what was expected, some of them twice. */
  const costs = new Map<string, { readonly usd: number; readonly expectedUsd: number }>();
  const answer = () =>
    broker.follow({
      topic: topics.routeDecided.name,
      startAt: 'earliest',
      onFailed: (error) => failures.push(error.message),
      onRecords(records) {
        for (const record of records) {
          const decision = topics.routeDecided.codec.decode(record.value!);
          if (costs.has(decision.requestId)) continue;
          const { expectedCostUsd: expectedUsd } = decision.candidates.find(({ model }) => model === decision.model)!;
          const usd = expectedUsd * (0.5 + random.next());
          costs.set(decision.requestId, { usd, expectedUsd });
          const outcome = routeOutcome(decision, { status: 'SUCCESS', occurredAtMs: clock.nowMs(), costUsd: usd });
          const value = topics.routeOutcome.codec.encode(outcome);
          const send = () =>
            producer.send([{ topic: topics.routeOutcome.name, key: topics.routeOutcome.keyOf(outcome), value }]);
          clock.setTimer(random.next() * reportedWithinMs, () => void persistently(clock, send));
          if (random.next() < 0.1) clock.setTimer(2_500, () => void persistently(clock, send));
        }
      },
    });

  const scenario = async (): Promise<void> => {
    await ensureSinglePartitionTopic(broker, topics.config, '');
    const applied = {
      version: 1,
      json: configToJson(config),
      appliedAtMs: 0,
      appliedBy: 'simulation',
      fileSha256: null,
    };
    await persistently(clock, () =>
      producer.send([{ topic: topics.config.name, key: 'current', value: topics.config.codec.encode(applied) }]),
    );
    const running = [];
    for (let i = 0; i < instances; i++) running.push(await start());
    const follower = await answer();
    const asked = Promise.all([ask('spender', options.requests), ask('other', options.otherRequests)]);
    for (let kill = 0; kill < options.kills; kill++) {
      // Also while all is decided and much is still reported.
      await sleep(clock, ((burstMs + reportedWithinMs) / (options.kills + 1)) * (0.5 + random.next()));
      const which = random.integer(instances);
      const fromMs = clock.nowMs();
      running[which]!.vanish();
      await sleep(clock, restartMs * random.next());
      running[which] = await start();
      outages.push({ fromMs, toMs: clock.nowMs() });
    }
    await asked;
    broker.beKind();
    await sleep(clock, 10_000);
    await follower.stop();
    for (const one of running) await one.stop();
  };

  if (!(await runToEnd(clock, scenario())))
    failures.push('the scenario came to rest before its end: something waits for ever');
  return audit();

  function audit(): BudgetSimulationResult {
    const read = <T>(topic: { name: string; codec: { decode(bytes: Buffer): T } }): T[] =>
      broker.records(topic.name).flatMap(({ value }) => (value === null ? [] : [topic.codec.decode(value)]));
    const decided = firstOf(read<RouteDecided>(topics.routeDecided));
    const refused = firstOf(read<RouteRefused>(topics.routeRefused));
    const states = new Map(read<BudgetState>(topics.budgetStates).map((state) => [state.owner, state]));
    const violations = [...failures];
    for (const [tenant, count] of [
      ['spender', options.requests],
      ['other', options.otherRequests],
    ] as const)
      for (let i = 0; i < count; i++) {
        const id = `${tenant}-${i}`;
        if (!decided.has(id) && !refused.has(id)) violations.push(`${id} was neither decided nor refused`);
        if (decided.has(id) && refused.has(id)) violations.push(`${id} was refused and decided`);
        if (tenant === 'other' && refused.has(id)) violations.push(`${id} was refused, and is under no budget`);
      }
    const limitUsd = config.budgets[0]!.limitUsd!;
    let spentUsd = 0;
    let beyondUsd = 0;
    for (const [id, { usd, expectedUsd }] of costs) {
      if (!id.startsWith('spender')) continue;
      spentUsd += usd;
      beyondUsd += Math.max(0, usd - expectedUsd);
    }
    if (spentUsd > limitUsd + beyondUsd + tolerance)
      violations.push(`spent ${spentUsd} of ${limitUsd}, though calls cost only ${beyondUsd} more than was reserved`);
    const state = states.get('spender') ?? null;
    if (!state || Math.abs(state.spentUsd - spentUsd) > tolerance)
      violations.push(`the budget says ${state?.spentUsd} was spent, the outcomes ${spentUsd}`);
    const others = [...decided.values()].filter(({ requestId, decidedAtMs, stagesMs }) => {
      const isSteady = outages.every(
        ({ fromMs, toMs }) => decidedAtMs - stagesMs.total > toMs + 500 || decidedAtMs < fromMs,
      );
      return requestId.startsWith('other') && isSteady && decidedAtMs > startedMs;
    });
    return {
      violations,
      decided: [...decided.keys()].filter((id) => id.startsWith('spender')).length,
      refused: refused.size,
      spentUsd,
      beyondUsd,
      limitUsd,
      state,
      otherMs: Math.max(0, ...others.map(({ stagesMs }) => stagesMs.total)),
    };
  }
}

function firstOf<T extends { readonly requestId: string }>(records: readonly T[]): Map<string, T> {
  const first = new Map<string, T>();
  for (const record of records) if (!first.has(record.requestId)) first.set(record.requestId, record);
  return first;
}
