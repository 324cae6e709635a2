/**
 * Speed on Kafka and Redis: broker, Redis, every service and the gateway as processes of their own, and this process as an
 * open-loop client of the topics, all on one machine.
 *
 *     node dist/bench/kafka.js [--placement chained] [--rates 300] [--seconds 15] [--kafka host:port --redis url] [--partitions 4]
 *
 * Latency counts from the intended send time, so a stall is not hidden by the load generator waiting too. Decisions forced by
 * the deadline would hide overload: the share of those that had all their threads is reported beside every latency.
 * With `--rates` these alone are measured, without feedback, and saturation is not. PLACEMENT and DELIVERY are read from
 * the environment.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serviceProcesses } from '../bin/commands/services';
import { applyTo } from '../bin/drive/put-config';
import { type Supervisor, startSupervisor } from '../bin/drive/supervisor';
import { startKafka, startRedis } from '../infra/local-servers';
import { quantilesOf } from '../lab/report/report';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { outcomeOf, requestOf } from '../lab/runs/workload-records';
import { systemClock } from '../lib/adapters/system';
import { createRouterClient, type RouterClient } from '../lib/client/router-client';
import { processSettings } from '../lib/config/process-settings';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import type { RouteDecided } from '../lib/topics/generated/messages';
import { distributedHome } from '../services/home';
import { type PlacementName, placementNames } from '../services/placements';
import { kilobyteRows } from './kilobyte-rows';
import { type OpenLoad, openLoop } from './open-loop';

const clock = systemClock();
const log = createLog({ level: 'warn', nowMs: () => clock.nowMs() });
const clients = 1_000;
const rates = [100, 300, 500];
/** The bar is for this one. */
const barRate = 300;
/** What a Kafka Streams program of the same topology did on 2 cores (docs/performance.md). */
const streamsP95Ms: Readonly<Record<number, number>> = { 100: 32, 500: 171 };
const inFlightAtSaturation = 256;
/** The compilers need some thousand requests, the learner its first weights. */
const warmUpSeconds = 30;
const decisionTimeoutMs = 20_000;
/** What was learned of in the warm-up is learned, and the broker's compilers have seen the load that is measured, when the trainer is idle. */
const idleShare = 0.1;
const settleSeconds = 5;
const maxSettleSeconds = 60;
const { world, rows } = kilobyteRows(1);

interface Bench {
  readonly client: RouterClient;
  readonly supervisor: Supervisor;
  /** Everything that burns CPU for the engine, by name. */
  readonly pids: () => ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

async function startBench(options: {
  kafka?: string;
  redis?: string;
  partitions: string;
  placement: PlacementName;
}): Promise<Bench> {
  const processes = serviceProcesses(1, options.placement);
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-bench-kafka-'));
  const kafka = options.kafka ? null : await startKafka({ directory: join(directory, 'kafka'), livesLong: true });
  const redis = options.redis ? null : await startRedis({ directory: join(directory, 'redis') });
  const environment = {
    KAFKA_BROKERS: options.kafka ?? kafka!.address,
    REDIS_URL: options.redis ?? redis!.address,
    TOPIC_PREFIX: `bench-${process.pid}.`,
    PARTITIONS: options.partitions,
    HTTP_PORT: '0',
    METRICS_PORT: '0',
    LOG_LEVEL: 'warn',
  };
  const settings = processSettings(environment);
  const home = await distributedHome({ ...settings, redis: null }, { log, metrics: createMetrics() });
  await applyTo(home, workloadConfig(world));
  const supervisor = startSupervisor({
    processes,
    environment: { ...process.env, ...environment },
    nodeOptions: ['--max-semi-space-size=32'],
    clock,
    onLine: (instanceId, line) => process.stderr.write(`${instanceId} ${line}\n`),
    onExit: ({ instanceId }, code, signal) => void process.stderr.write(`${instanceId} ended: ${signal ?? code}\n`),
  });
  await supervisor.ready;
  const client = await createRouterClient({
    broker: home.broker,
    clock,
    clientId: 'bench',
    topicName: (name) => home.topicPrefix + name,
    onFailed: fail,
  });
  const instances = processes.map(({ instanceId }) => instanceId);
  return {
    client,
    supervisor,
    pids: () =>
      new Map([
        ...instances.flatMap((id): [string, number][] => {
          const pid = supervisor.pid(id);
          return pid === null ? [] : [[id.replace(/-\d+$/, ''), pid]];
        }),
        ...(kafka ? [['kafka', kafka.pid] as const] : []),
        ...(redis ? [['redis', redis.pid] as const] : []),
        ['load', process.pid] as const,
      ]),
    async stop() {
      await client.close();
      await supervisor.stop();
      await home.deleteTopics();
      await home.close();
      await kafka?.stop();
      await redis?.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function fail(error: Error): never {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

let sequence = 0;

async function routeOnce(client: RouterClient, feedback: boolean): Promise<RouteDecided> {
  const index = sequence++;
  const row = { ...rows[index % rows.length]!, id: `bench-${process.pid}-${index}` };
  const decision = await client.route(requestOf(world, row, clock.nowMs()), decisionTimeoutMs);
  const outcome = feedback ? outcomeOf(row, decision, clock.nowMs()) : null;
  if (outcome) client.report(outcome).catch(fail);
  return decision;
}

const isComplete = (decision: RouteDecided): boolean =>
  decision.degradedTo === 'NONE' && decision.threads.every(({ status }) => status === 'SUCCESS');

type Loaded = OpenLoad<RouteDecided>;

async function closedLoop(client: RouterClient, seconds: number, feedback: boolean): Promise<Loaded> {
  const startedMs = clock.monotonicMs();
  const latencies: number[] = [];
  const answers: RouteDecided[] = [];
  const failures: unknown[] = [];
  const one = async (): Promise<void> => {
    while (clock.monotonicMs() - startedMs < seconds * 1_000) {
      const sentMs = clock.monotonicMs();
      try {
        answers.push(await routeOnce(client, feedback));
        latencies.push(clock.monotonicMs() - sentMs);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlightAtSaturation }, one));
  return { latencies, answers, failures, seconds: (clock.monotonicMs() - startedMs) / 1_000 };
}

/** User and system CPU of a process and its threads so far, in seconds (proc(5): ticks of 10 ms). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function rssMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

/** The bar is for an idle trainer: the load goes on without feedback until it is. */
async function settle(bench: Bench): Promise<void> {
  for (let spentSeconds = 0; spentSeconds < maxSettleSeconds; spentSeconds += settleSeconds) {
    const trainer = bench.pids().get('dqn-trainer');
    if (trainer === undefined) return;
    const before = cpuSeconds(trainer);
    await openLoop(clock, barRate, settleSeconds, () => routeOnce(bench.client, false));
    if (cpuSeconds(trainer) - before < idleShare * settleSeconds) return;
  }
  process.stderr.write(`the trainer was not idle after ${maxSettleSeconds} s\n`);
}

/** Runs a load and reports what the processes spent on it. */
async function withCpu(bench: Bench, name: string, load: () => Promise<Loaded>): Promise<Loaded> {
  const pids = bench.pids();
  const before = new Map([...pids].map(([process, pid]) => [process, cpuSeconds(pid)]));
  const loaded = await load();
  let total = 0;
  for (const [process, pid] of pids) {
    const spent = ((cpuSeconds(pid) - before.get(process)!) * 1_000) / loaded.answers.length;
    total += spent;
    report(`${name}.cpuPer1000.${process}`, spent, 's');
  }
  report(`${name}.cpuPer1000.total`, total, 's');
  return loaded;
}

/** Mean and p95 of what decisions say of their stages. */
function reportStages(name: string, decisions: readonly RouteDecided[]): void {
  for (const stage of ['queued', 'intake', 'strategies', 'collapse'] as const) {
    const { p50, p95 } = quantilesOf(decisions.map(({ stagesMs }) => stagesMs[stage]));
    report(`${name}.stage.${stage}P50`, p50, 'ms');
    report(`${name}.stage.${stage}P95`, p95, 'ms');
  }
}

async function atRate(bench: Bench, rate: number, seconds: number, feedback: boolean): Promise<void> {
  const name = `rate${rate}${feedback ? '.withFeedback' : ''}`;
  const load = (): Promise<Loaded> => openLoop(clock, rate, seconds, () => routeOnce(bench.client, feedback));
  const { latencies, answers: decisions, failures } = await (rate === barRate ? withCpu(bench, name, load) : load());
  const { p50, p95, p99 } = quantilesOf(latencies);
  report(`${name}.latencyP50`, p50, 'ms');
  const bar = rate === barRate ? 100 : feedback ? undefined : streamsP95Ms[rate];
  if (bar === undefined) report(`${name}.latencyP95`, p95, 'ms');
  else reportBar(`${name}.latencyP95`, p95, 'ms', '<=', bar);
  report(`${name}.latencyP99`, p99, 'ms');
  const complete = decisions.filter(isComplete).length / decisions.length;
  if (rate === barRate) reportBar(`${name}.withAllThreads`, complete, 'share', '>=', 0.999);
  else report(`${name}.withAllThreads`, complete, 'share');
  reportBar(`${name}.lost`, failures.length, 'requests', '<=', 0);
  reportStages(name, decisions);
}

async function saturated(bench: Bench, seconds: number, feedback: boolean): Promise<void> {
  const name = `saturation${feedback ? '.withFeedback' : ''}`;
  const {
    answers: decisions,
    failures,
    latencies,
    seconds: took,
  } = await withCpu(bench, name, () => closedLoop(bench.client, seconds, feedback));
  const perSecond = decisions.length / took;
  if (feedback) report(name, perSecond, 'decisions/s');
  else reportBar(name, perSecond, 'decisions/s', '>=', 800);
  report(`${name}.latencyP50`, quantilesOf(latencies).p50, 'ms');
  report(`${name}.withAllThreads`, decisions.filter(isComplete).length / decisions.length, 'share');
  reportBar(`${name}.lost`, failures.length, 'requests', '<=', 0);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '15' },
      kafka: { type: 'string' },
      redis: { type: 'string' },
      partitions: { type: 'string', default: '4' },
      placement: { type: 'string', default: process.env['PLACEMENT'] ?? 'separate' },
      rates: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  const placement = placementNames.find((name) => name === values.placement);
  if (!placement) throw new Error(`there is no placement ${values.placement}; there are ${placementNames.join(', ')}`);
  const bench = await startBench({ ...values, placement });
  report('clients', clients, 'clients');
  await openLoop(clock, barRate, warmUpSeconds, () => routeOnce(bench.client, true));
  await settle(bench);
  for (const rate of values.rates?.split(',').map(Number) ?? rates) await atRate(bench, rate, seconds, false);
  if (values.rates === undefined) {
    await atRate(bench, barRate, seconds, true);
    await saturated(bench, seconds, false);
    await saturated(bench, seconds, true);
  }
  for (const [process, pid] of bench.pids()) report(`rss.${process}`, rssMegabytes(pid), 'MB');
  await bench.stop();
}

runCheck(main);
