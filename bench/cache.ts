/**
 * The routing cache while learning goes on: the same requests that are nearly alike through the whole engine with and without it, on a
 * virtual clock, and what a look-up takes. Wrong neighbours are counted by the engine's own checks: hits that are judged anew all the same.
 *
 *     node dist/bench/cache.js [--requests 2000] [--texts 40] [--seeds 8] [--redis URL]
 *
 * Look-ups in Redis are measured where there is one, or one can be started.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../infra/local-servers';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../lab/runs/workload-records';
import { onVirtualClock } from '../lab/studies/on-virtual-clock';
import type { WorkloadRow } from '../lab/workloads/workload';
import { createLocalFirst } from '../lib/adapters/local-first';
import { createMemoryKeyValue } from '../lib/adapters/memory/memory-key-value';
import { openRedisKeyValue } from '../lib/adapters/redis/redis-key-value';
import { defaultRedisSettings } from '../lib/adapters/redis/redis-settings';
import { systemClock } from '../lib/adapters/system';
import { createRouterClient } from '../lib/client/router-client';
import type { RouterConfig } from '../lib/config/router-config';
import { encodeContext } from '../lib/learning/features/context';
import { bytesOf } from '../lib/learning/features/encode';
import { keepValues } from '../lib/learning/value/kept-values';
import { headCount } from '../lib/learning/value/linear-half';
import { type Clock, sleep } from '../lib/ports/clock';
import type { KeyValue } from '../lib/ports/key-value';
import { seededRandom } from '../lib/random/seeded';
import { utilityOf, utilityWeights } from '../lib/routing/judge/utility';
import { createLookUp, type Look, lookUpResults } from '../lib/routing/open/look-up-values';
import { cacheEntry, cacheKeys, cachePrefix } from '../lib/routing/open/routing-cache';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import type { RouteDecided, RouteOpened, WeightsPublished } from '../lib/topics/generated/messages';
import { startEngine } from '../services/engine';
import { memoryHome } from '../services/home';
import { prepare } from '../services/route-intake/prepare';
import { kilobyteRows } from './kilobyte-rows';

const { values } = parseArgs({
  options: {
    ...{ requests: { type: 'string' }, texts: { type: 'string' } },
    ...{ seeds: { type: 'string' }, redis: { type: 'string' } },
  },
});
const requests = Number(values.requests ?? 2_000);
const texts = Number(values.texts ?? 40);
const seeds = Number(values.seeds ?? 8);

const gapMs = 20;
const decisionTimeoutMs = 5_000;
/** More than by default, so that there are enough to count wrong neighbours by. */
const checkShare = 0.1;

type Rows = ReturnType<typeof kilobyteRows>;

/** One of the texts with a word of it replaced by a word of another, at random. */
function nearRepeat({ rows }: Rows, seed: number, index: number): WorkloadRow {
  const random = seededRandom(seed, 'near repeat', index);
  const row = rows[random.integer(rows.length)]!;
  const others = rows[random.integer(rows.length)]!.prompt.split(' ');
  const words = row.prompt.split(' ');
  words[random.integer(words.length)] = others[random.integer(others.length)]!;
  return { ...row, id: `near-${index}`, prompt: words.join(' ') };
}

interface Played {
  /** Mean over all requests of what the true outcomes were worth, by the distribution that was drawn from. */
  readonly utility: number;
  readonly lookups: ReadonlyMap<string, number>;
  readonly hits: number;
  readonly right: number;
  readonly wrong: number;
  readonly learned: number;
}

function play(rows: Rows, seed: number, enabled: boolean): Promise<Played> {
  const config = workloadConfig(rows.world, { seed });
  const cache = { ...config.cache, enabled, checkShare };
  return onVirtualClock((clock) => playOn(clock, rows, { ...config, cache }, seed));
}

async function playOn(clock: Clock, rows: Rows, config: RouterConfig, seed: number): Promise<Played> {
  const home = memoryHome({ clock, seed });
  const failures: Error[] = [];
  const engine = await startEngine({
    ...{ home, config, partitions: 1, trainer: 'inline', http: null, log: createLog({ level: 'silent' }) },
    onFatal: (_group, error) => failures.push(error),
  });
  const client = await createRouterClient({
    ...{ broker: home.broker, clock, clientId: home.createId(), topicName: (name) => name },
    onFailed: (error) => failures.push(error),
  });
  const weights = utilityWeights(config.preference, config.utilityScale, 0);
  const worthOf = (row: WorkloadRow, { candidates }: RouteDecided): number =>
    candidates.reduce((sum, { model, propensity }) => {
      const outcome = row.outcomes.get(model);
      if (!outcome) return sum;
      return sum + propensity * utilityOf(weights, outcome.score, outcome.costUsd ?? 0, outcome.latencyMs);
    }, 0);
  let [utility, hits] = [0, 0];
  for (let index = 0; index < requests; index++) {
    const row = nearRepeat(rows, seed, index);
    const decision = await client.route(requestOf(rows.world, row, clock.nowMs()), decisionTimeoutMs);
    utility += worthOf(row, decision) / requests;
    if (decision.cacheHit) hits++;
    const outcome = outcomeOf(row, decision, clock.nowMs());
    if (outcome) await client.report(outcome);
    await sleep(clock, gapMs);
  }
  if (failures[0]) throw failures[0];
  const { metrics } = engine;
  const lookups = new Map<string, number>();
  for (const result of lookUpResults)
    lookups.set(result, await metrics.value('quantum_router_cache_lookups_total', { result }));
  const checks = (result: string): Promise<number> => metrics.value('quantum_router_cache_checks_total', { result });
  const [right, wrong] = [await checks('right'), await checks('wrong')];
  const learned = await metrics.value('quantum_router_learning_rewards', {});
  await client.close();
  await engine.stop();
  return { utility, hits, right, wrong, learned, lookups };
}

const lookUps = 2_000;
const firstRounds = 5;

/** Look-ups of near repeats of a thousand texts, and what is kept of these. */
function someLookUps(): { readonly looks: readonly Look[]; readonly kept: ReturnType<typeof cacheEntry>[] } {
  const rows = kilobyteRows(1, 1_000);
  const config = workloadConfig(rows.world, { seed: 1 });
  const models = config.models.map(({ name }) => name);
  const weights = {
    policySha256: 'p',
    basisSha256: 'b',
    lineage: 'l',
    learnedRewards: 1_000,
    models,
  } as WeightsPublished;
  const nowMs = Date.now();
  const world = {
    ...{ config, configVersion: 1, tuning: undefined, weights, profileOf: () => undefined, profilesAtMs: null },
    ...{ admissions: null, budgetStateOf: () => undefined, experimentStateOf: () => undefined, nowMs, positions: {} },
  };
  const lookOf = (row: WorkloadRow): Look => {
    const prepared = prepare(requestOf(rows.world, row, nowMs), world, []);
    if (prepared.kind !== 'prepared') throw new Error(prepared.fault.reason);
    return { route: prepared.route, config, weights, nowMs };
  };
  const heads = new Float64Array(models.length * headCount);
  const values = { heads, means: new Float64Array(models.length), costFactors: new Float64Array(models.length) };
  const facts = { policySha256: 'p', models, hasLinear: true, rewardMean: 0, guarantees: new Map() };
  const kept = rows.rows.map((row) => {
    const opened = lookOf(row).route as RouteOpened;
    const contextFeatures = bytesOf(
      encodeContext({ ...opened, sessionId: null, sessionRequests: 0, sessionSpentUsd: 0, sessionLastQuality: null }),
    );
    const cacheFingerprint = cacheKeys(opened, 'l', config)[0]!;
    const life = { ttlMs: 3_600_000, rewards: 1_000 };
    return cacheEntry({ ...opened, cacheFingerprint, contextFeatures }, keepValues(facts, values, 1_000), life, nowMs);
  });
  return { looks: Array.from({ length: lookUps }, (_, index) => lookOf(nearRepeat(rows, 1, index))), kept };
}

/** Microseconds of each, sorted. */
async function timeLookUps(keyValue: KeyValue, { looks, kept }: ReturnType<typeof someLookUps>): Promise<number[]> {
  await keyValue.putMany(kept);
  const lookUp = createLookUp(keyValue);
  const tookUs: number[] = [];
  // The first times are the compiler's, and let the process know what the store has not.
  for (let round = 0; round < firstRounds; round++) for (const look of looks) await lookUp([look]);
  for (const look of looks) {
    const startedMs = performance.now();
    await lookUp([look]);
    tookUs.push(1_000 * (performance.now() - startedMs));
  }
  return tookUs.sort((a, b) => a - b);
}

const shareOf = (sorted: readonly number[], share: number): number => sorted[Math.floor(share * sorted.length)]!;

async function reportLookUps(): Promise<void> {
  const some = someLookUps();
  const clock = systemClock();
  const copies = { clock, prefix: cachePrefix, maxEntries: 20_000, maxAgeMs: 3_600_000 };
  const local = await timeLookUps(createLocalFirst(createMemoryKeyValue({ clock }), copies), some);
  reportBar('cache.lookUp.local.p50', shareOf(local, 0.5), 'µs', '<=', 50);
  report('cache.lookUp.local.p95', shareOf(local, 0.95), 'µs');
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-cache-'));
  const server = values.redis === undefined ? await startRedis({ directory }).catch((error: Error) => error) : null;
  try {
    if (server instanceof Error) {
      report('cache.lookUp.redis.skipped', 1, 'runs', { reason: `no Redis: ${server.message}` });
      return;
    }
    const settings = {
      ...defaultRedisSettings,
      url: values.redis ?? server!.address,
      keyPrefix: `bench-${process.pid}:`,
    };
    const redis = await openRedisKeyValue(settings, { log: createLog({ level: 'silent' }), metrics: createMetrics() });
    // Every look-up is a round trip here, as it is for a process that has no copies yet.
    const far = await timeLookUps(redis, some);
    await redis.deleteMany(some.kept.map(({ key }) => key));
    await redis.close();
    report('cache.lookUp.redis.p50', shareOf(far, 0.5) / 1_000, 'ms');
    reportBar('cache.lookUp.redis.p95', shareOf(far, 0.95) / 1_000, 'ms', '<=', 5);
  } finally {
    if (server !== null && !(server instanceof Error)) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

runCheck(async () => {
  const played: { readonly without: Played; readonly cached: Played }[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const rows = kilobyteRows(seed, texts);
    played.push({ without: await play(rows, seed, false), cached: await play(rows, seed, true) });
  }
  const total = (of: (run: (typeof played)[number]) => number): number => played.reduce((sum, run) => sum + of(run), 0);
  const lookups = Object.fromEntries(
    lookUpResults.map((result) => [result, total(({ cached }) => cached.lookups.get(result)!)]),
  );
  const all = Object.values(lookups).reduce((sum, count) => sum + count, 0);
  // Hits that are judged anew to check them are hits of the cache all the same.
  reportBar('cache.hits', (lookups['hit']! + lookups['check']!) / all, 'share', '>=', 0.8, {
    ...{ requests: seeds * requests, texts, learned: total(({ cached }) => cached.learned), lookups },
  });
  report('cache.answered', total(({ cached }) => cached.hits) / (seeds * requests), 'share of all requests');
  const [utility, uncached] = [total(({ cached }) => cached.utility), total(({ without }) => without.utility)];
  reportBar('cache.utility', utility / uncached, 'ratio to no cache', '>=', 0.99, {
    bySeed: played.map(({ cached, without }) => cached.utility / without.utility),
  });
  const [right, wrong] = [total(({ cached }) => cached.right), total(({ cached }) => cached.wrong)];
  reportBar('cache.wrongNeighbours', wrong / (right + wrong), 'share', '<=', 0.01, { checks: right + wrong });
  await reportLookUps();
});
