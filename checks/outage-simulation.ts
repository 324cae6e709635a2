/**
 * A provider that most requests go to is down for a while and comes back weak: what it can take grows only as it is used. On
 * a virtual clock, with several instances that know of each other by the log alone.
 */
import type { MemoryBroker } from '../lib/adapters/memory/memory-broker';
import { createVirtualClock, runToEnd } from '../lib/adapters/memory/virtual-clock';
import { routeOutcome, routeRequest } from '../lib/client/build-records';
import { configToJson, defaultRouterConfig } from '../lib/config/parse-config';
import type { RouterConfig } from '../lib/config/router-config';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import type { ModelProfile, RouteDecided, RouteOutcome } from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';
import { createBudgets } from '../services/budgets/service';
import { createExperiments } from '../services/experiments/service';
import { memoryHome } from '../services/home';
import { createModelProfiler } from '../services/model-profiler/service';
import { persistently, startInstance } from './start-instance';

export interface OutageSimulationOptions {
  readonly seed: number;
  readonly breaker?: Partial<RouterConfig['breaker']>;
  /** How long a call of the provider that is down takes to fail. */
  readonly failsAfterMs: number;
  readonly outageMs: number;
  /** How long it goes on after it: the longest wait for a probe, and the ramp. */
  readonly afterMs: number;
  readonly requestsPerSecond: number;
  /** What the provider says when it is down. */
  readonly failsWith?: 'FAILURE' | 'TIMEOUT';
}

export interface OutageSimulationResult {
  readonly violations: readonly string[];
  readonly decided: number;
  /** Share of the decisions for the provider before it went down. */
  readonly shareBefore: number;
  /**
   * Share of the decisions for it, of the worst partition, from when its failures were known to the end of its outage: from when
   * a breaker had opened and all could know it, and in any case from the 50th failure.
   */
  readonly shareWhileDown: number;
  /** The same of all partitions together. */
  readonly meanShareWhileDown: number;
  /** Over the last ten seconds. */
  readonly shareAfter: number;
  /** Failed calls that were made after the outage. */
  readonly failuresAfter: number;
  /** How often a closed breaker of it or of its models opened, all in all... */
  readonly openings: number;
  /** ...and after the outage. */
  readonly dips: number;
  /** Decisions that do not say which state of health they were made by. */
  readonly unversioned: number;
}

const partitions = 4;
const instances = 3;
const beforeMs = 5_000;
const latencyMs = 200;
/** What one instance has written all have read, and what they had begun is decided. */
const spreadsMs = 500;
const down = 'alpha';
/** Calls a second that the provider takes when it is just up again, and what it takes more each second that it is well used. */
const weakPerSecond = 5;
const growth = 1.25;

export async function simulateOutage(options: OutageSimulationOptions): Promise<OutageSimulationResult> {
  const { seed, failsAfterMs, outageMs, afterMs, requestsPerSecond, failsWith = 'FAILURE' } = options;
  const clock = createVirtualClock();
  const random = seededRandom(seed, 'outage-simulation');
  const ground = memoryHome({ clock, seed });
  const broker = ground.broker as MemoryBroker;
  const config = outageConfig(options.breaker);
  const violations: string[] = [];
  const startedMs = clock.nowMs();
  const downAtMs = startedMs + beforeMs;
  const upAtMs = downAtMs + outageMs;
  const endMs = upAtMs + afterMs;
  const producer = broker.producer('clients');
  const takes = weakProvider(upAtMs);
  const breakers = watchBreakers();

  const ask = async (): Promise<void> => {
    for (let i = 0; clock.nowMs() < endMs; i++) {
      const request = routeRequest({ requestId: `r${i}`, requestedAtMs: clock.nowMs(), prompt: 'What is a quark?' });
      const value = topics.routeRequested.codec.encode(request);
      await producer.send([{ topic: topics.routeRequested.name, key: topics.routeRequested.keyOf(request), value }]);
      await sleep(clock, (2 * random.next() * 1_000) / requestsPerSecond);
    }
  };

  const called = new Map<string, { readonly atMs: number; readonly status: RouteOutcome['status'] }>();
  const call = (decision: RouteDecided): void => {
    const atMs = clock.nowMs();
    const isDown = decision.provider === down && atMs >= downAtMs && atMs < upAtMs;
    const isOver = decision.provider === down && atMs >= upAtMs && !takes(atMs);
    const status = isDown ? failsWith : isOver ? 'FAILURE' : 'SUCCESS';
    called.set(decision.requestId, { atMs, status });
    const tookMs = isDown ? failsAfterMs : latencyMs;
    clock.setTimer(tookMs, () => {
      const outcome = routeOutcome(decision, {
        status,
        occurredAtMs: clock.nowMs(),
        latencyMs: tookMs,
        quality:
          status === 'SUCCESS' ? config.models.find(({ name }) => name === decision.model)!.expectedQuality : null,
      });
      const value = topics.routeOutcome.codec.encode(outcome);
      const record = { topic: topics.routeOutcome.name, key: topics.routeOutcome.keyOf(outcome), value };
      void persistently(clock, () => producer.send([record]));
    });
  };

  const scenario = async (): Promise<void> => {
    await ensureSinglePartitionTopic(broker, topics.config, '');
    const json = configToJson(config);
    const applied = { version: 1, json, appliedAtMs: 0, appliedBy: 'simulation', fileSha256: null };
    await producer.send([{ topic: topics.config.name, key: 'current', value: topics.config.codec.encode(applied) }]);
    const running = [];
    for (let i = 0; i < instances; i++)
      running.push(
        await startInstance({
          ...{ ground, random, seed, config, partitions },
          beside: (metrics) => [
            createBudgets({ metrics }),
            createExperiments({ metrics }),
            createModelProfiler({ metrics }),
          ],
          external: [topics.tuning, topics.weightsPublished],
          onFatal: (why) => violations.push(why),
        }),
      );
    const follower = await broker.follow({
      topic: topics.routeDecided.name,
      startAt: 'earliest',
      onFailed: (error) => violations.push(error.message),
      onRecords(records) {
        for (const { value } of records) {
          const decision = topics.routeDecided.codec.decode(value!);
          if (!called.has(decision.requestId)) call(decision);
        }
      },
    });
    // The table keeps only the newest of each model.
    const watcher = await broker.follow({
      topic: topics.modelProfile.name,
      startAt: 'earliest',
      onFailed: (error) => violations.push(error.message),
      onRecords(records) {
        for (const { value } of records) if (value) breakers.note(topics.modelProfile.codec.decode(value));
      },
    });
    await ask();
    await sleep(clock, 2_000);
    await follower.stop();
    await watcher.stop();
    for (const one of running) await one.stop();
  };

  if (!(await runToEnd(clock, scenario()))) violations.push('the scenario came to rest before its end');
  return audit();

  function audit(): OutageSimulationResult {
    const decisions = broker
      .records(topics.routeDecided.name)
      .map(({ value, partition }) => ({ partition, decision: topics.routeDecided.codec.decode(value!) }));
    const failures = [...called.values()].filter(({ status }) => status !== 'SUCCESS');
    const reported = failures.map(({ atMs }) => atMs + failsAfterMs).sort((a, b) => a - b);
    const knownMs = Math.min(reported[49] ?? upAtMs, breakers.firstMs(downAtMs) + spreadsMs);
    const shareIn = (fromMs: number, toMs: number, only?: number): number => {
      const within = decisions.filter(
        ({ partition, decision: { decidedAtMs } }) =>
          decidedAtMs >= fromMs && decidedAtMs < toMs && (only === undefined || partition === only),
      );
      return within.filter(({ decision }) => decision.provider === down).length / Math.max(1, within.length);
    };
    const ofPartitions = Array.from({ length: partitions }, (_, partition) => shareIn(knownMs, upAtMs, partition));
    const { decision: last } = decisions.at(-1)!;
    if (last.decidedAtMs < endMs - 1_000) violations.push('requests were not decided to the end');
    return {
      violations,
      decided: decisions.length,
      shareBefore: shareIn(startedMs + 1_000, downAtMs),
      shareWhileDown: Math.max(...ofPartitions),
      meanShareWhileDown: shareIn(knownMs, upAtMs),
      shareAfter: shareIn(endMs - 10_000, endMs),
      failuresAfter: failures.filter(({ atMs }) => atMs >= upAtMs).length,
      openings: breakers.openings(downAtMs),
      dips: breakers.openings(upAtMs),
      unversioned: decisions.filter(
        ({ decision: { versions, decidedAtMs } }) =>
          decidedAtMs > downAtMs && (versions.profiles === null || versions.profilesAgeMs === null),
      ).length,
    };
  }
}

/** What the provider that is down would be asked for nearly everything. */
function outageConfig(breaker: Partial<RouterConfig['breaker']> = {}): RouterConfig {
  const models = [
    { name: 'prime', provider: down, expectedQuality: 0.9 },
    { name: 'second', provider: down, expectedQuality: 0.89 },
    { name: 'other', provider: 'beta', expectedQuality: 0.7 },
    { name: 'spare', provider: 'gamma', expectedQuality: 0.6 },
  ];
  const defaults = defaultRouterConfig(models, { strategies: ['BALANCED'], collapse: 'BEST_SCORE' });
  return { ...defaults, cache: { ...defaults.cache, enabled: false }, breaker: { ...defaults.breaker, ...breaker } };
}

/** Whether a call is taken: so many in a second, and more in the next one where half of it was used. */
function weakProvider(upAtMs: number): (atMs: number) => boolean {
  let second = 0;
  let used = 0;
  let most = weakPerSecond;
  return (atMs) => {
    const now = Math.floor((atMs - upAtMs) / 1_000);
    for (; second < now; second++) {
      if (used > most / 2) most *= growth;
      used = 0;
    }
    return ++used <= most;
  };
}

/** Breakers of the provider and its models that were closed and open. */
function watchBreakers() {
  const health = new Map<string, string>();
  const openedAtMs: number[] = [];
  return {
    note({ model, provider, breaker, providerBreaker, updatedAtMs }: ModelProfile): void {
      if (provider !== down) return;
      for (const [name, one] of [
        [model, breaker],
        ['', providerBreaker],
      ] as const) {
        if (one.health === 'OPEN' && (health.get(name) ?? 'CLOSED') === 'CLOSED') openedAtMs.push(updatedAtMs);
        health.set(name, one.health);
      }
    },
    /** When the first opened after this. */
    firstMs: (afterMs: number): number => Math.min(...openedAtMs.filter((atMs) => atMs >= afterMs)),
    /** How many opened after this. */
    openings: (afterMs: number): number => openedAtMs.filter((atMs) => atMs >= afterMs).length,
  };
}
