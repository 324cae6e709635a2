/**
 * How many records a second the analytics stages fold, and how long a question about a month takes. The records are those of a real
 * engine, made in the same run on a virtual clock; the month is made of windows with 20 models and 10 tasks each.
 *
 *     node dist/bench/analytics.js [--requests 3000] [--repeat 10]
 */
import { parseArgs } from 'node:util';
import { quantilesOf } from '../lab/report/report';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { onVirtualClock } from '../lab/studies/on-virtual-clock';
import { playWorld } from '../lab/studies/play-world';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { csvFormat, jsonFormat } from '../lib/analytics/answer-format';
import { type AnalyticsQuery, answerQuery } from '../lib/analytics/answer-query';
import {
  addToWindow,
  type Contribution,
  cellKey,
  emptyWindow,
  keyOfWindow,
  modelTaskValue,
  noCell,
} from '../lib/analytics/window';
import { createWindowStore, type WindowStore } from '../lib/analytics/window-store';
import type { Broker, OutgoingRecord } from '../lib/ports/broker';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { defaultRuntimeLimits } from '../lib/stream/host';
import { runService } from '../lib/stream/run-service';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import { settingsOf } from '../lib/topics/define-topic';
import { deadLetterTopicName, topics } from '../lib/topics/topics';
import { createAnalytics, createAnalyticsRewards } from '../services/analytics/service';
import { memoryHome } from '../services/home';

const seed = 1;
const partitions = 4;
const folded = [topics.routeOpened, topics.routeDecided, topics.modelObserved, topics.learningEvents];
const hourMs = 3_600_000;
const startMs = 1_700_000_000_000 - (1_700_000_000_000 % hourMs);
const shape = { hours: 30 * 24, models: 20, tasks: 10 };

/** Everything of a topic, as it lies there. */
async function recordsOf(broker: Broker, topic: string): Promise<OutgoingRecord[]> {
  const records: OutgoingRecord[] = [];
  const count = (await broker.listTopics()).find(({ name }) => name === topic)?.partitions ?? 0;
  for (let partition = 0; partition < count; partition++)
    for await (const chunk of broker.read({ topic, partition }, { from: 0 }))
      for (const { key, value } of chunk) records.push({ topic, partition, key, value });
  return records;
}

async function measureFold(requests: number, repeat: number): Promise<void> {
  const { home } = await playWorld(simulatedWorld({ world: 1, rows: requests, seed }), seed, () => {});
  const once = (await Promise.all(folded.map(({ name }) => recordsOf(home.broker, name)))).flat();
  const records = Array.from({ length: repeat }, () => once).flat();
  await onVirtualClock(async (clock) => {
    const { broker, keyValue } = memoryHome({ clock, seed });
    await broker.ensureTopics(
      Object.values(topics).flatMap((topic) => {
        const settings = settingsOf(topic, partitions);
        return [settings, { ...settings, name: deadLetterTopicName(topic.name), cleanup: 'delete' as const }];
      }),
    );
    const producer = broker.producer('bench');
    await producer.send(records);
    const host = {
      ...{ broker, keyValue, clock, topicPrefix: '', requestPathPartitions: partitions },
      elapsedMs: () => performance.now(),
      createRandom: (...labels: readonly (string | number)[]) => seededRandom(seed, ...labels),
      metrics: createMetrics(),
      log: createLog({ level: 'warn' }),
      limits: defaultRuntimeLimits,
      onFatal: (group: string, error: Error): void => {
        throw new Error(`${group} failed`, { cause: error });
      },
    };
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const services = [createAnalytics(), createAnalyticsRewards(host)].map((stage) => runService(stage, host));
    const read = async (service: string, topic: string): Promise<number> =>
      host.metrics.value('quantum_router_records_in_total', { service, topic });
    const isDone = async (): Promise<boolean> => {
      let count = 0;
      for (const { name } of folded.slice(0, 3)) count += await read('analytics', name);
      return count + (await read('analytics-rewards', topics.learningEvents.name)) >= records.length;
    };
    while (!(await isDone())) await sleep(clock, 100);
    const seconds = (performance.now() - startedMs) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    reportBar('analytics.folded', records.length / seconds, 'records/s', '>=', 10_000, { records: records.length });
    // What other work on the machine hardly touches.
    report('analytics.foldedByCpu', (records.length * 1e6) / (user + system), 'records/cpu-s');
    for (const service of services) await service.stop();
  });
}

/** A month of hours as four partitions have seen it. */
function monthStore(): WindowStore {
  const random = seededRandom(seed, 'month');
  const store = createWindowStore();
  const cells: string[][] = [];
  for (let model = 0; model < shape.models; model++)
    for (let task = 0; task < shape.tasks; task++)
      cells.push([
        cellKey('all', ''),
        cellKey('model', `model-${model}`),
        cellKey('task', `task-${task}`),
        cellKey('modelTask', modelTaskValue(`model-${model}`, `task-${task}`)),
      ]);
  /** Sums of so many digits as measured ones have: writing them is most of the work. */
  const contribution = (of: string[], i: number): Contribution => {
    const latencyMs = 100 + 900 * random.next();
    const quality = 2 * random.next();
    return {
      of,
      figures: { ...noCell, calls: 3, costed: 3, costUsd: random.next() / 50, timed: 3, latencyMs, judged: 2, quality },
      latency: { model: `model-${Math.floor(i / shape.tasks)}`, ms: latencyMs },
    };
  };
  for (let hour = 0; hour < shape.hours; hour++)
    for (let partition = 0; partition < partitions; partition++) {
      const at = { spanMs: hourMs, startMs: startMs + hour * hourMs };
      const row = addToWindow(emptyWindow(at.spanMs, at.startMs), cells.map(contribution), at.startMs);
      store.set(`windows/${partition}`, keyOfWindow(at), row);
    }
  return store;
}

function measureQueries(): void {
  const store = monthStore();
  const range = { fromMs: startMs, toMs: startMs + shape.hours * hourMs, stepMs: hourMs };
  /** All of it, as bytes: broken down by both there are 144,000 rows, and writing them takes longer than adding them up. */
  const ask = (name: string, query: Omit<AnalyticsQuery, keyof typeof range>, isCsv = false): void => {
    const timesMs: number[] = [];
    let bytes = 0;
    for (let turn = 0; turn < 12; turn++) {
      const cpu = process.cpuUsage();
      const texts = answerQuery(store, { ...range, ...query }, isCsv ? csvFormat : jsonFormat);
      bytes = 0;
      for (const text of texts) bytes += Buffer.from(text).length;
      // The first ones are compiled on the way.
      const { user, system } = process.cpuUsage(cpu);
      if (turn > 1) timesMs.push((user + system) / 1_000);
    }
    const { p50 } = quantilesOf(timesMs);
    reportBar(name, p50, 'ms of CPU', '<=', 100, { bytes });
  };
  ask('analytics.monthByHour', { by: 'none', metrics: ['calls', 'quality', 'costUsd', 'errorRate'] });
  ask('analytics.monthByHourAndModel', { by: 'model', metrics: ['calls', 'quality', 'costUsd', 'errorRate'] });
  ask('analytics.monthByHourAndTask', { by: 'task', metrics: ['calls', 'quality', 'costUsd', 'errorRate'] });
  ask('analytics.monthByHourLatencyByModel', { by: 'model', metrics: ['latencyMsP95'] });
  ask('analytics.monthByHourModelAndTask', { by: 'model,task', metrics: ['quality'] });
  ask('analytics.monthByHourModelAndTaskCsv', { by: 'model,task', metrics: ['quality'] }, true);
}

const { values: options } = parseArgs({
  options: { requests: { type: 'string', default: '3000' }, repeat: { type: 'string', default: '10' } },
});

runCheck(async () => {
  measureQueries();
  await measureFold(Number(options.requests), Number(options.repeat));
});
