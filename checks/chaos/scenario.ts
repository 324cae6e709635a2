/** One scenario from an empty folder to its figures: servers and services up, load on, chaos, everything settled, audit. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { quantilesOf } from '../../lab/report/report';
import { workloadConfig } from '../../lab/runs/workload-config';
import { simulatedWorld } from '../../lab/workloads/simulated-world';
import { systemClock } from '../../lib/adapters/system';
import { largestPromptBytes } from '../../lib/config/config-limits';
import type { Delivery } from '../../lib/ports/broker';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { defaultGatewaySettings } from '../../services/gateway/config';
import type { PlacementName } from '../../services/placements';
import { patienceMs } from '../patience';
import { Audit } from './audit';
import { type Cluster, type ClusterOptions, isGateway, startCluster } from './cluster';
import { type DoorCall, inTimeMs, lateCalls, leastAnswered, shareInTime } from './door-calls';
import { createFigures, type Figures } from './figures';
import type { SentRequest } from './ledger';
import { type Load, startLoad } from './load';
import { startOutside } from './outside';
import { providersAt } from './shaky-upstream';
import { type Kill, quantile, takeoversMs } from './takeover';
import { until } from './until';

/** What a scenario has to work with. Requests are being sent when it begins, and need not be stopped when it ends. */
export interface Stage {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly audit: Audit;
  readonly figures: Figures;
  /** For victims and moments. */
  readonly random: Random;
  /** To be sent in all, more or less. */
  readonly requests: number;
  readonly ratePerSecond: number;
  /** The longest a client waits for a decision. */
  readonly clientTimeoutMs: number;
  /** True of requests that were sent when the processes had warmed up and nothing was broken yet. */
  readonly isUndisturbed: (request: SentRequest) => boolean;
  readonly placement: PlacementName;
  /** How many processes are to be killed, where somebody has said so. */
  readonly kills: number | undefined;
  /** Filled by the scenario: whom it has killed. */
  readonly killed: Kill[];
  say(text: string): void;
}

export interface Scenario {
  readonly name: string;
  readonly requests: number;
  /** Sends no more than these, where a slow machine should not have to bear more the slower it is. */
  readonly maxRequests?: number;
  /** Requests per second where nobody says otherwise. */
  readonly ratePerSecond?: number;
  /** Whether clients report an outcome for every decision; default true. */
  readonly reportsOutcomes?: boolean;
  /** Whether one process at a time is missing, so that there is somebody to take over what it owned. */
  readonly measuresTakeovers?: boolean;
  /** What its engine has beyond one process of everything. */
  readonly cluster?: (placement: PlacementName) => Pick<ClusterOptions, 'instances' | 'only'>;
  /** Dead letters that it makes itself. */
  readonly deadLetters?: (stage: Stage) => number;
  run(stage: Stage): Promise<void>;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly placement: PlacementName;
  readonly requests: number;
  /** Default: what the scenario says, else 150. */
  readonly ratePerSecond?: number;
  readonly kills?: number;
  readonly delivery: Delivery;
  /** Strategies with a group of their own, as in STRATEGY_GROUPS. */
  readonly strategyGroups?: string;
  readonly sessionTimeoutMs?: number;
  /** Of the chain; default: what the scenario says. */
  readonly instances?: number;
  readonly expelsDead?: boolean;
  readonly directory: string;
  readonly onCluster: (cluster: Cluster) => void;
  readonly say: (text: string) => void;
}

const partitions = 4;
/** Calls at the door beside the requests: so many that one in a thousand would be seen, so few that they are not what keeps the machine busy. */
const doorCalls = { share: 0.1, least: 1_000, mostPerSecond: 6 };
/** Of the world, whose events lie at shares of its length. Longer scenarios begin again. */
const leastRows = 5_000;
/** The largest that a configuration may allow. */
export const maxPromptBytes = largestPromptBytes;
/** Before anything is broken. The first half warms up: a process that has just started is slow. */
const calmRequests = 2_000;
const defaultRatePerSecond = 150;
/** A call at the door while nothing is broken, about, on a machine with two processors that does nothing else. */
const idleCallMs = 300;
/** Where two instances share the work, what one of them owned is decided again within so long, 95 times in 100. */
const takeoverBarMs = 3_000;
/** Of the requests of `kills`, where two instances share the work. */
const inTimeBar = 0.98;

/** Resolves with the figures. A run whose bars were missed leaves its folder. */
export async function runScenario(options: RunOptions): Promise<Figures> {
  const { scenario, seed, requests, directory, say, placement, delivery } = options;
  const ratePerSecond = options.ratePerSecond ?? scenario.ratePerSecond ?? defaultRatePerSecond;
  const world = simulatedWorld({ world: 1, rows: Math.max(requests, leastRows), seed });
  const config = workloadConfig(world, { seed });
  const limits = { ...config.limits, maxPromptBytes };
  const figures = createFigures(scenario.name, say);
  say(`seed ${seed}; logs and data in ${directory}`);
  const leastPerSecond = Math.min(doorCalls.mostPerSecond, (doorCalls.least * ratePerSecond) / requests);
  const outside = await startOutside({
    ...{ clock: systemClock(), seed, scenario: scenario.name },
    ratePerSecond: Math.max(ratePerSecond * doorCalls.share, leastPerSecond),
  });
  const cluster = await startCluster({
    directory,
    config: { ...config, limits, providers: providersAt(outside, config), cache: { ...config.cache, enabled: true } },
    partitions,
    placement,
    delivery,
    ...(options.strategyGroups !== undefined && { strategyGroups: options.strategyGroups }),
    ...(options.sessionTimeoutMs !== undefined && { sessionTimeoutMs: options.sessionTimeoutMs }),
    ...(options.expelsDead !== undefined && { expelsDead: options.expelsDead }),
    ...scenario.cluster?.(placement),
    ...(options.instances !== undefined && { instances: options.instances }),
  });
  options.onCluster(cluster);
  const clientTimeoutMs = config.threadTimeoutMs + defaultGatewaySettings.decisionGraceMs;
  const random = seededRandom(seed, 'chaos', scenario.name);
  const load = await startLoad({
    cluster,
    world,
    ratePerSecond,
    clientTimeoutMs,
    reportsOutcomes: scenario.reportsOutcomes ?? true,
    maxRequests: scenario.maxRequests ?? Number.POSITIVE_INFINITY,
    random: seededRandom(seed, 'chaos', scenario.name, 'clients'),
  });
  const audit = new Audit(cluster);
  // Where a scenario runs a part of the processes alone, there may be no door.
  const hasDoor = [...cluster.processes.ids].some(isGateway);
  load.start();
  if (hasDoor) outside.start(() => ['gateway-0', 'gateway-1'].map((id) => cluster.processes.url(id)));
  await load.untilSent(Math.min(calmRequests, requests / 3));
  if (hasDoor) outside.disturb();
  const sentCalmly = load.sent;
  const isUndisturbed = ({ index }: SentRequest): boolean => index >= sentCalmly / 2 && index < sentCalmly;
  const stage: Stage = {
    ...{ cluster, load, audit, figures, random, requests, ratePerSecond, clientTimeoutMs, isUndisturbed, say },
    ...{ placement, kills: options.kills, killed: [] },
  };
  await scenario.run(stage);
  load.pause();
  // At once: what the callers were told is known, however the rest of it ends.
  if (hasDoor) reportDoor(stage, await outside.end());
  say(`${load.sent} requests sent; waiting until everything has arrived`);
  await load.untilAnswered();
  const settled = await settle(stage);
  reportFigures(stage, scenario, settled);
  reportDuplicates(stage, delivery);
  if (scenario.measuresTakeovers && cluster.hasSpare) reportTakeovers(stage);
  await load.close();
  await cluster.stop();
  outside.close();
  if (figures.missed === 0) rmSync(join(directory), { recursive: true, force: true });
  return figures;
}

/** Most that were answered without the engine were so while it was away, which is what the door is for. */
function reportDoor(
  { figures }: Stage,
  { made, misbehaved }: { readonly made: readonly DoorCall[]; readonly misbehaved: number },
): void {
  figures.add('door.calls', made.length, 'calls');
  figures.add('door.upstreamMisbehaved', misbehaved, 'calls');
  figures.add('door.degraded', made.filter(({ degraded }) => degraded !== null).length / made.length, 'share');
  const took = made.flatMap(({ tookMs }) => tookMs ?? []);
  figures.add('door.latencyP99', quantilesOf(took).p99, 'ms');
  figures.add('door.latencyMax', Math.max(0, ...took), 'ms');
  const calm = made.flatMap(({ tookMs, isCalm }) => (isCalm && tookMs !== null ? tookMs : []));
  if (calm.length > 0) figures.add('door.latencyP50Undisturbed', quantilesOf(calm).p50, 'ms');
  const limitMs = inTimeMs(calm, idleCallMs);
  const late = lateCalls(made, limitMs);
  figures.bar('door.answeredInTime', shareInTime(made, limitMs), 'share', '>=', leastAnswered, late);
}

/** False when something is still missing and nothing more comes. A machine that is slow has the time it needs. */
async function settle({ cluster, load, audit }: Stage): Promise<boolean> {
  const { clock } = cluster;
  let seen = '';
  let movedMs = clock.monotonicMs();
  let done = false;
  const arrived = async (): Promise<boolean> => {
    await audit.update();
    const { ledger } = load;
    done = audit.undecided(ledger).length === 0 && audit.unlearned(ledger).length === 0 && audit.isFolded();
    const now = audit.progress();
    if (now !== seen) movedMs = clock.monotonicMs();
    seen = now;
    return done || clock.monotonicMs() - movedMs > patienceMs;
  };
  await until(clock, 'everything has arrived', arrived, Number.POSITIVE_INFINITY, 500);
  return done;
}

/** At least once they are to know; what is delivered exactly once has none. */
function reportDuplicates({ figures, audit }: Stage, delivery: Delivery): void {
  const figure = (name: string, records: number): void => {
    if (delivery === 'exactly-once') figures.bar(name, records, 'records', '<=', 0);
    else figures.add(name, records, 'records');
  };
  for (const [topic, records] of Object.entries(audit.duplicates())) figure(`duplicates.${topic}`, records);
  figure('contradictoryDuplicates', audit.contradictions);
}

/** What only means something where there is somebody to take over. */
function reportTakeovers({ figures, audit, load, killed, clientTimeoutMs }: Stage): void {
  const { ledger } = load;
  const tookMs = takeoversMs(killed, audit.decisions.values());
  figures.add('takeovers', tookMs.length, 'partitions');
  figures.add('takeover.p50', quantile(tookMs, 0.5), 'ms');
  figures.bar('takeover.p95', quantile(tookMs, 0.95), 'ms', '<=', takeoverBarMs);
  figures.add('takeover.longest', tookMs.at(-1) ?? 0, 'ms');
  const whole = ({ requestId, tookMs: took }: SentRequest): boolean =>
    took !== null && took <= clientTimeoutMs && audit.decisions.get(requestId)?.complete === true;
  const requests = [...ledger.requests.values()];
  const share = requests.filter(whole).length / Math.max(1, requests.length);
  figures.bar('inTimeWithAllThreads', share, 'share', '>=', inTimeBar);
}

function reportFigures(stage: Stage, scenario: Scenario, settled: boolean): void {
  const { figures, load, audit, cluster, clientTimeoutMs } = stage;
  const { ledger } = load;
  const requests = ledger.acknowledgedRequests().length;
  figures.add('requestsSent', ledger.requests.size, 'requests');
  figures.add('requestsAcknowledged', requests, 'requests');
  figures.add('outcomesAcknowledged', ledger.acknowledgedOutcomes().length, 'outcomes');
  figures.add('sendsGivenUp', ledger.failedSends, 'records');
  figures.add('processesEndedByThemselves', cluster.processes.ends, 'processes');
  const undecided = audit.undecided(ledger);
  figures.bar('undecided', undecided.length, 'requests', '<=', 0, undecided);
  const ambiguous = audit.ambiguous();
  figures.bar('decidedInSeveralPartitions', ambiguous.length, 'requests', '<=', 0, ambiguous);
  const toldOtherwise = audit.toldOtherwise(ledger);
  figures.bar('toldOtherThanFirst', toldOtherwise.length, 'requests', '<=', 0, toldOtherwise);
  const unlearned = audit.unlearned(ledger);
  figures.bar('outcomesWithoutLearningEvent', unlearned.length, 'outcomes', '<=', 0, unlearned);
  const late = ledger.acknowledgedOutcomes().filter(({ outcomeId }) => audit.late.has(outcomeId));
  figures.add('outcomesLate', late.length, 'outcomes');
  const { learnedRewards, wrong } = audit.foldedOnce();
  figures.add('rewardsLearned', learnedRewards, 'rewards');
  figures.bar('rewardsCountedTwice', wrong.length, 'tuning records', '<=', 0, wrong);
  figures.bar('settled', settled ? 1 : 0, 'boolean', '>=', 1);
  figures.bar('clientFaults', ledger.faults.length, 'faults', '<=', 0, ledger.faults);
  const deadLetters = audit.deadLetters - (scenario.deadLetters?.(stage) ?? 0);
  figures.bar('unexpectedDeadLetters', deadLetters, 'records', '<=', 0);
  figures.add('latestDecision', audit.latestDecisionMs(ledger), 'ms');
  const incomplete = [...audit.decisions.values()].filter(({ complete }) => !complete).length;
  figures.add('decidedWithoutAllThreads', incomplete / Math.max(1, audit.decisions.size), 'share');
  figures.add('clientTimeout', clientTimeoutMs, 'ms');
  const availability = (counted?: (request: SentRequest) => boolean) => ledger.availability(clientTimeoutMs, counted);
  figures.add('availability.undisturbed', availability(stage.isUndisturbed), 'share');
  figures.add(
    'availability.gateway',
    availability(({ through }) => through === 'gateway'),
    'share',
  );
  figures.add('availability', availability(), 'share');
}
