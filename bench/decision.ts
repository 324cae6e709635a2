/**
 * What the pure part of a decision costs, phase by phase: CPU time and heap of preparing, opening, judging (each strategy),
 * collapsing and encoding, with 10, 50 and 200 candidate models, profiles and learned weights. CPU time is that of this
 * process alone, so a busy machine blurs it less than wall time. JSON lines; the digest is the same for builds that decide alike.
 *
 *     node --max-semi-space-size=64 dist/bench/decision.js [--models 10,50,200] [--rounds 40]
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { report, runCheck } from '../lab/report/report-line';
import { requestOf } from '../lab/runs/workload-records';
import { defaultRouterConfig } from '../lib/config/parse-config';
import type { ModelConfig } from '../lib/config/router-config';
import { fitBasis, phiSize, writeBasis } from '../lib/learning/features/basis';
import { contextSize } from '../lib/learning/features/context';
import { encoderVersion, encodeText } from '../lib/learning/features/encode';
import { taskSlotOf } from '../lib/learning/features/task-slot';
import { sha256Of } from '../lib/learning/fold/blob';
import { initialParameters } from '../lib/learning/rl/network';
import { headCount, weightRows } from '../lib/learning/value/linear-half';
import { parsePolicy, writePolicy } from '../lib/learning/value/policy';
import { seededRandom } from '../lib/random/seeded';
import { judgeThread } from '../lib/routing/judge/judge-thread';
import { strategies } from '../lib/routing/judge/strategies/strategies';
import type { LearnedPolicy } from '../lib/routing/judge/strategy';
import { inferTask, taskTypes } from '../lib/routing/open/infer-task';
import type { Context, Result } from '../lib/stream/define-service';
import type {
  Breaker,
  DecayedStats,
  ModelProfile,
  RouteDecided,
  RouteOpened,
  RouteRequested,
  StrategyScored,
  ThreadScore,
  Tuning,
} from '../lib/topics/generated/messages';
import { topics } from '../lib/topics/topics';
import { noStats } from '../services/model-profiler/observe';
import { collapse } from '../services/route-collapse/collapse';
import type { OpenedRoute } from '../services/route-collapse/opened-route';
import { type Looked, open } from '../services/route-intake/open';
import { prepare } from '../services/route-intake/prepare';
import type { IntakeWorld } from '../services/route-intake/read-world';
import { kilobyteRows } from './kilobyte-rows';
import { medianOf } from './pair-ratios';

/** Distinct requests of a round; few enough for a phase of them to end between two collections of garbage. */
const requestsPerRound = 64;
const warmUpRounds = 60;
const providers = 6;
const nowMs = 1_700_000_000_000;
const groups = [{ group: 'strategy-threads', strategies: Object.keys(strategies) }];
const asked = ['LEARNING_OPTIMIZED', 'TASK_OPTIMIZED', 'BALANCED', 'PERFORMANCE', 'COST_EFFICIENT'] as const;

let random = seededRandom(1, 'decision');
const { world: workload, rows } = kilobyteRows(1, requestsPerRound);
const requests: readonly RouteRequested[] = rows.map((row, i) => ({
  ...requestOf(workload, { ...row, id: `decision-${i}` }, nowMs),
  strategies: [...asked],
}));

function modelsOf(count: number): ModelConfig[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `family-${i % 7}-model-${i}`,
    provider: `provider-${i % providers}`,
    price: {
      inputPerMillionUsd: 0.1 + 5 * random.next(),
      outputPerMillionUsd: 0.5 + 20 * random.next(),
      perRequestUsd: 0,
    },
    capabilities: ['tools', 'vision', 'json'].slice(0, 1 + random.integer(3)),
    contextTokens: 128_000,
    expectedLatencyMs: 500 + 3_000 * random.next(),
    expectedOutputTokens: 300,
    expectedQuality: 0.4 + 0.5 * random.next(),
    taskQuality: {},
  }));
}

const breaker: Breaker = {
  health: 'CLOSED',
  failures: 0,
  changedAtMs: 0,
  openings: 0,
  probeAtMs: null,
  probesSucceeded: 0,
  changes: [],
};

function stats(): DecayedStats {
  return {
    ...noStats(),
    weight: 100 * random.next(),
    errorRate: 0.1 * random.next(),
    quality: random.next(),
    qualityWeight: 80 * random.next(),
    latencyMs: 3_000 * random.next(),
    latencyWeight: 90 * random.next(),
    costUsd: 0.01 * random.next(),
    costWeight: 90 * random.next(),
    outputTokens: 600 * random.next(),
    outputTokensWeight: 90 * random.next(),
  };
}

/** One model in thirty is half open, as many are open. */
function profileOf({ name, provider }: ModelConfig, i: number): ModelProfile {
  const health = i % 30 === 7 ? 'HALF_OPEN' : i % 30 === 8 ? 'OPEN' : 'CLOSED';
  return {
    model: name,
    provider,
    overall: stats(),
    tasks: Object.fromEntries(taskTypes.map((type) => [type, stats()])),
    breaker: { ...breaker, health, probeAtMs: health === 'OPEN' ? nowMs + 60_000 : null },
    providerBreaker: breaker,
    capacity: null,
    providerCapacity: null,
    declaredVersion: null,
    declaredPrice: null,
    firstTokens: null,
    updatedAtMs: nowMs,
  };
}

function tuningOf(models: readonly ModelConfig[]): Tuning {
  const perModel = (value: () => number) => Object.fromEntries(models.map(({ name }) => [name, value()]));
  return {
    version: 7,
    learnedRewards: 40 * models.length,
    costPricePerUsd: 2,
    costRatios: perModel(() => 0.3 + random.next()),
    priceFactors: perModel(() => 0.001 + 0.01 * random.next()),
    driftOffsets: perModel(() => 0.02 * random.next() - 0.01),
    neuralWeight: 0.4,
    strategyWeights: Object.fromEntries(asked.map((strategy) => [strategy, random.next()])),
    eventOffset: 1_000,
    regretAllowance: null,
    regretLeft: null,
    countedToMs: 0,
    requestGapMs: 0,
    setGaps: {},
    strategyFactors: {},
    confidenceCurve: [],
  };
}

/** Weights of the size that learning publishes; what they say does not matter here. */
function policyOf(models: readonly ModelConfig[]): LearnedPolicy {
  const described = rows.map(({ prompt }) => {
    const { sketch, sketchScale, handFeatures } = encodeText(prompt);
    const context = Float32Array.from({ length: contextSize }, (_, i) => (i === 0 ? 1 : random.next()));
    const task = taskSlotOf(inferTask(null, prompt));
    return { sketch, sketchScale, hand: handFeatures, caller: null, context, task };
  });
  const fitted = fitBasis(described, encoderVersion, null, random);
  const basis = writeBasis(fitted);
  const size = phiSize(fitted);
  const arms = models.length;
  const noise = (count: number, deviation: number) =>
    Float32Array.from({ length: count }, () => deviation * random.normal());
  const policy = writePolicy({
    models: models.map(({ name }) => name),
    pulls: models.map(() => 40),
    joinedLate: models.map(() => false),
    watched: models.map(() => 0),
    learnedRewards: 40 * arms,
    rewardMean: 0.6,
    rewardDeviation: 0.2,
    hasLinear: true,
    hidden: 64,
    basisSha256: sha256Of(basis),
    armMeans: noise(arms, 1),
    shared: noise(size, 0.1),
    linear: noise(arms * weightRows * size, 0.1),
    network: initialParameters({ inputs: fitted.xSize, hidden: 64, actions: arms, heads: headCount }, random),
  });
  return parsePolicy(basis, policy, { basisSha256: sha256Of(basis), policySha256: sha256Of(policy) });
}

/** One phase of a decision over all requests of a round. */
interface Phase {
  readonly name: string;
  run(): void;
}

interface Bench {
  readonly phases: readonly Phase[];
  /** Everything that the log would show of the last round. */
  digest(): string;
  /** Encoded sizes of the last round, in bytes a decision. */
  sizes(): Readonly<Record<string, number>>;
}

function benchOf(count: number): Bench {
  random = seededRandom(1, 'decision', count);
  const models = modelsOf(count);
  const profiles = new Map(models.map((model, i) => [model.name, profileOf(model, i)]));
  const policy = policyOf(models);
  const world: IntakeWorld = {
    config: defaultRouterConfig(models, { explorationFloor: 0.02, budgetUsdPerRequest: 0.01 }),
    configVersion: 3,
    tuning: tuningOf(models),
    weights: { policySha256: policy.policySha256, basisSha256: '0'.repeat(64), sequence: 1 } as IntakeWorld['weights'],
    budgetStateOf: () => undefined,
    experimentStateOf: () => undefined,
    profileOf: (model) => profiles.get(model),
    profilesAtMs: nowMs,
    admissions: null,
    nowMs,
    positions: { config: 1, 'model.profile': 2, tuning: 3, 'weights.published': 4 },
  };
  let randomOfRound = seededRandom(1);
  const contextOf = (offset: number): Context =>
    ({
      topic: 'route.requested',
      partition: 0,
      offset,
      nowMs,
      elapsedMs: () => 0,
      random: randomOfRound,
      alreadyEmitted: () => false,
      emittedAlike: () => false,
    }) as unknown as Context;
  const emitted = (result: Result<never>): never => {
    if (result.kind !== 'done') throw new Error(JSON.stringify(result));
    return result.emit![0]!.value as never;
  };
  const prepared: Looked[] = [];
  const opened: RouteOpened[] = [];
  const threads: ThreadScore[][] = requests.map(() => []);
  const scored: StrategyScored[] = [];
  const decided: RouteDecided[] = [];
  const encoded: Buffer[][] = [[], [], []];
  const phases: Phase[] = [
    {
      name: 'prepare',
      run() {
        for (let i = 0; i < requests.length; i++)
          prepared[i] = { ...prepare(requests[i]!, world, groups), cachedValues: null, preparedMs: 0 };
      },
    },
    {
      name: 'open',
      run() {
        randomOfRound = seededRandom(1);
        for (let i = 0; i < requests.length; i++)
          opened[i] = emitted(open(undefined, requests[i]!, contextOf(i), prepared[i]!) as Result<never>);
      },
    },
    ...asked.map((strategy, at) => ({
      name: `judge.${strategy}`,
      run() {
        for (let i = 0; i < requests.length; i++) threads[i]![at] = judgeThread(strategy, opened[i]!, policy);
      },
    })),
    {
      name: 'collapse',
      run() {
        for (let i = 0; i < requests.length; i++) {
          const { requestId, routingKey } = opened[i]!;
          scored[i] = { requestId, routingKey, group: 'strategy-threads', threads: threads[i]!, scoredAtMs: nowMs };
          const route = {
            requestId,
            opened: opened[i]!,
            scored: [scored[i]!],
            positions: {},
            firstSeenMs: nowMs,
            lastScoredAtMs: nowMs,
            grants: [],
            asks: 0,
          } as unknown as OpenedRoute;
          decided[i] = emitted(collapse(route, { nowMs }) as Result<never>);
        }
      },
    },
    {
      name: 'encode',
      run() {
        for (let i = 0; i < requests.length; i++) {
          encoded[0]![i] = topics.routeOpened.codec.encode(opened[i]!);
          encoded[1]![i] = topics.strategyScored.codec.encode(scored[i]!);
          encoded[2]![i] = topics.routeDecided.codec.encode(decided[i]!);
        }
      },
    },
    {
      name: 'decode',
      run() {
        for (let i = 0; i < requests.length; i++) {
          topics.routeOpened.codec.decode(encoded[0]![i]!);
          topics.strategyScored.codec.decode(encoded[1]![i]!);
          topics.routeDecided.codec.decode(encoded[2]![i]!);
        }
      },
    },
  ];
  return {
    phases,
    digest() {
      const content = JSON.stringify([opened, scored, decided]);
      return createHash('sha256').update(content).digest('hex');
    },
    sizes() {
      const mean = (records: readonly Buffer[]) =>
        records.reduce((sum, record) => sum + record.length, 0) / records.length;
      return { opened: mean(encoded[0]!), scored: mean(encoded[1]!), decided: mean(encoded[2]!) };
    },
  };
}

function heapBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Medians over rounds: a round with a collection of garbage, or a new compilation, in it says nothing of its phase. */
function measure(bench: Bench, rounds: number): Map<string, { cpuUs: number; heap: number }> {
  const cpu = new Map(bench.phases.map(({ name }) => [name, [] as number[]]));
  const heap = new Map(bench.phases.map(({ name }) => [name, [] as number[]]));
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (const { name, run } of bench.phases) {
      const bytes = heapBytes();
      const used = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(used);
      const allocated = heapBytes() - bytes;
      if (round < 0) continue;
      cpu.get(name)!.push((user + system) / requestsPerRound);
      heap.get(name)!.push(allocated / requestsPerRound);
    }
  }
  return new Map(
    bench.phases.map(({ name }) => [name, { cpuUs: medianOf(cpu.get(name)!), heap: medianOf(heap.get(name)!) }]),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { models: { type: 'string', default: '10,50,200' }, rounds: { type: 'string', default: '40' } },
  });
  const totals: number[] = [];
  for (const count of values.models.split(',').map(Number)) {
    const bench = benchOf(count);
    const phases = measure(bench, Number(values.rounds));
    let total = { cpuUs: 0, heap: 0 };
    for (const [phase, { cpuUs, heap }] of phases) {
      report(`decision.${count}.${phase}.cpu`, cpuUs, 'us');
      report(`decision.${count}.${phase}.heap`, heap, 'bytes');
      total = { cpuUs: total.cpuUs + cpuUs, heap: total.heap + heap };
    }
    report(`decision.${count}.cpu`, total.cpuUs, 'us', { digest: bench.digest() });
    report(`decision.${count}.heap`, total.heap, 'bytes');
    for (const [record, bytes] of Object.entries(bench.sizes()))
      report(`decision.${count}.${record}.size`, bytes, 'bytes');
    totals.push(total.cpuUs);
    if (totals.length > 1) report(`decision.${count}.againstFewest`, total.cpuUs / totals[0]!, 'ratio');
  }
}

runCheck(main);
