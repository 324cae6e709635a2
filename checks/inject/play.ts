/**
 * The whole engine in one process on a virtual clock, fed with a stable stream of requests, and a fault in the middle of
 * it. Requests and outcomes go through the real topics. The same seed gives the same requests with every fault and without.
 */
import { workloadConfig } from '../../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../../lab/runs/workload-records';
import { onVirtualClock } from '../../lab/studies/on-virtual-clock';
import { type SimulatedWorld, simulatedWorld } from '../../lab/workloads/simulated-world';
import type { WorkloadRow } from '../../lab/workloads/workload';
import type { MemoryBroker } from '../../lib/adapters/memory/memory-broker';
import { createRouterClient, type RouterClient } from '../../lib/client/router-client';
import type { LearnerState } from '../../lib/learning/fold/learner-state';
import { type Clock, sleep } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { RouteDecided, WeightsPublished } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { startFoldInline } from '../../services/dqn-trainer/fold/fold-inline';
import { withTrial } from '../../services/dqn-trainer/with-trial';
import { startEngine } from '../../services/engine';
import { memoryHome } from '../../services/home';
import { type Fault, type Flood, ordinarySources } from './faults';

export interface InjectOptions {
  readonly seed: number;
  /** Ordinary requests. */
  readonly requests: number;
  /** Null: the same stream undisturbed. */
  readonly fault: Fault | null;
}

export interface Served {
  /** Per ordinary request: the quality its decision can expect, over the distribution it was drawn from. */
  readonly qualities: readonly number[];
  /** Ordinary decisions made below the top of the degradation ladder. */
  readonly degraded: number;
  readonly undecided: number;
  /** Learning events before the fault; null when nothing was tampered with. */
  readonly tamperedAt: number | null;
  readonly published: readonly WeightsPublished[];
  /** Policies that the guard kept back. */
  readonly rejected: number;
  /** What failed for good. */
  readonly failures: readonly string[];
}

/** Virtual time between two ordinary requests. */
const gapMs = 20;
/** From a decision to its outcome. */
const outcomeDelayMs = 100;
const decisionTimeoutMs = 10_000;
const partitions = 4;
/** The simulated world has an outage from .45 of its rows on: before that nothing changes. */
const stableShare = 0.45;
const qualityOnly = { quality: 1, cost: 0, latency: 0 };

export async function playWithFault(options: InjectOptions): Promise<Served> {
  return onVirtualClock((clock) => play(options, clock));
}

async function play({ seed, requests, fault }: InjectOptions, clock: Clock): Promise<Served> {
  const home = memoryHome({ clock, seed });
  const world = simulatedWorld({ world: 1, rows: Math.ceil((2 * requests) / stableShare), seed });
  const metrics = createMetrics();
  const failures: string[] = [];
  const tampered = tamperOnce(fault, Math.floor(requests / 3));
  const engine = await startEngine({
    home,
    config: workloadConfig(world, { seed, preference: qualityOnly }),
    partitions,
    trainer: async (settings, saved) => withTrial(await startFoldInline(settings, saved, tampered.tamper), settings),
    http: null,
    log: createLog({ level: 'silent' }),
    metrics,
    onFatal: (group, error) => failures.push(`${group} failed for good: ${error.message}`),
  });
  const client = await createRouterClient({
    broker: home.broker,
    clock,
    clientId: home.createId(),
    topicName: (name) => name,
    onFailed: (error) => failures.push(`decisions can no longer be followed: ${error.message}`),
  });
  const stream = await playStream({ world, client, clock, requests, fault });
  await client.close();
  await engine.stop();
  const published = (home.broker as MemoryBroker)
    .records(topics.weightsPublished.name)
    .map(({ value }) => topics.weightsPublished.codec.decode(value!));
  const rejected = (await metrics.value('quantum_router_weights_rejected_total', {})) ?? 0;
  return { ...stream, tamperedAt: tampered.at(), published, rejected, failures };
}

/** The fault in the learner's memory, before the first event that the learner meets after `events` others. */
function tamperOnce(fault: Fault | null, events: number) {
  let at: number | null = null;
  return {
    at: () => at,
    tamper: (state: LearnerState) => {
      if (!fault?.tamper || at !== null || state.events <= events) return;
      at = state.events - 1;
      fault.tamper(state);
    },
  };
}

interface Stream {
  readonly world: SimulatedWorld;
  readonly client: RouterClient;
  readonly clock: Clock;
  readonly requests: number;
  readonly fault: Fault | null;
}

async function playStream({ world, client, clock, requests, fault }: Stream) {
  const qualities = new Array<number>(requests).fill(0);
  const chosen = new Map<string, number>(world.models.map(({ name }) => [name, 0]));
  let degraded = 0;
  let undecided = 0;
  const inFlight = new Set<Promise<void>>();
  const start = (work: Promise<void>): void => {
    const tracked = work.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
  };
  const routeOne = async (index: number): Promise<void> => {
    const row = world.row(index);
    const decision = await routed(client, requestOf(world, row, clock.nowMs()));
    if (!decision) {
      undecided++;
      return;
    }
    qualities[index] = expectedQuality(row, decision);
    chosen.set(decision.model, (chosen.get(decision.model) ?? 0) + 1);
    if (decision.degradedTo !== 'NONE') degraded++;
    const outcome = outcomeOf(row, decision, clock.nowMs());
    if (!outcome) return;
    const source = ordinarySources[index % ordinarySources.length]!;
    const lies = isDuring(index) && fault?.liar === source && outcome.quality !== null;
    await sleep(clock, outcomeDelayMs);
    await client.report({ ...outcome, source, quality: lies ? 1 - outcome.quality! : outcome.quality });
  };
  const isDuring = (index: number): boolean => index >= requests / 3 && index < (2 * requests) / 3;
  let target = '';
  for (let index = 0; index < requests; index++) {
    start(routeOne(index));
    if (fault?.flood && isDuring(index)) {
      target ||= targetOf(fault.flood, chosen);
      for (let i = 0; i < fault.flood.perRequest; i++)
        start(flood({ world, client, clock, flood: fault.flood, target, index: requests + index, number: i }));
    }
    await sleep(clock, gapMs);
  }
  while (inFlight.size > 0) await sleep(clock, gapMs);
  return { qualities, degraded, undecided };
}

function targetOf({ target }: Flood, chosen: ReadonlyMap<string, number>): string {
  const ordered = [...chosen].sort((a, b) => b[1] - a[1]);
  return (target === 'most' ? ordered[0]! : ordered.at(-1)!)[0];
}

/** A request of the flooder's own that only one model may serve, its outcome, and every other time the same outcome again. */
async function flood(options: {
  readonly world: SimulatedWorld;
  readonly client: RouterClient;
  readonly clock: Clock;
  readonly flood: Flood;
  readonly target: string;
  readonly index: number;
  readonly number: number;
}): Promise<void> {
  const { world, client, clock, target, number } = options;
  const { source, quality } = options.flood;
  const row = world.row(options.index);
  const request = requestOf(world, row, clock.nowMs());
  const deniedModels = world.models.map(({ name }) => name).filter((name) => name !== target);
  const requestId = `${row.id}-${number}`;
  const decision = await routed(client, { ...request, requestId, limits: { ...request.limits, deniedModels } });
  const outcome = decision && outcomeOf(row, decision, clock.nowMs());
  if (!outcome) return;
  const report = { ...outcome, status: 'SUCCESS' as const, source, quality };
  await client.report(report);
  if (number % 2 === 0) await client.report({ ...report, revision: 1 });
}

async function routed(
  client: RouterClient,
  request: Parameters<RouterClient['route']>[0],
): Promise<RouteDecided | null> {
  return client.route(request, decisionTimeoutMs).catch(() => null);
}

function expectedQuality(row: WorkloadRow, { candidates }: RouteDecided): number {
  return candidates.reduce((sum, { model, propensity }) => sum + propensity * (row.outcomes.get(model)?.score ?? 0), 0);
}
