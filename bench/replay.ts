/**
 * How fast a log is verified and weights are learned again from it. The log is made in the same run by the real engine, on
 * a virtual clock so that it is the same on every machine, and then read from an embedded store.
 *
 *     node dist/bench/replay.js [--requests 5000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { retrain } from '../bin/drive/replay-retrain';
import { verifyRange } from '../bin/drive/replay-verify';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { playWorld } from '../lab/studies/play-world';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { systemClock } from '../lib/adapters/system';
import type { Broker } from '../lib/ports/broker';
import type { Bound } from '../lib/replay/range';
import { createLog } from '../lib/telemetry/log';
import { topics } from '../lib/topics/topics';
import { foldSettingsOf } from '../services/dqn-trainer/fold/fold';
import type { FoldSettings } from '../services/dqn-trainer/fold/fold-settings';
import { type EngineHome, embeddedHome } from '../services/home';

const seed = 1;
const earliest: Bound = { kind: 'earliest' };
const end: Bound = { kind: 'end' };
const clock = systemClock();
const log = createLog({ level: 'error' });
const { signal } = new AbortController();
const copied: ReadonlySet<string> = new Set(
  [
    topics.routeOpened,
    topics.strategyScored,
    topics.routeDecided,
    topics.weightsBlobs,
    topics.learningEvents,
    topics.routeOutcomeLate,
  ].map(({ name }) => name),
);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { requests: { type: 'string', default: '5000' } } });
  const world = simulatedWorld({ world: 1, rows: Number(values.requests), seed });
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-replay-'));
  const home = embeddedHome({ directory });
  try {
    const made = await playWorld(world, seed, () => {});
    await copyLog(made.home.broker, home.broker);
    await measureVerify(home, 'verify', false);
    await measureVerify(home, 'verifyWithLearned', true);
    await measureRetrain(home, foldSettingsOf(workloadConfig(world, { seed })));
  } finally {
    await home.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A broker without gaps gives the same offsets again. */
async function copyLog(from: Broker, to: Broker): Promise<void> {
  const settings = (await from.listTopics()).filter(({ name }) => copied.has(name));
  // Virtual time lies years back: nothing must be too old, or compacted away.
  await to.ensureTopics(settings.map((topic) => ({ ...topic, cleanup: 'delete' as const, retentionMs: null })));
  const producer = to.producer('copy');
  for (const { name: topic, partitions } of settings) {
    for (let partition = 0; partition < partitions; partition++) {
      for await (const records of from.read({ topic, partition }, { from: 0 })) await producer.send(records);
    }
  }
  await producer.close();
}

async function measureVerify(home: EngineHome, name: string, withLearned: boolean): Promise<void> {
  const startedMs = clock.monotonicMs();
  const cpu = process.cpuUsage();
  const verified = await verifyRange({
    home,
    from: earliest,
    to: end,
    partition: null,
    withLearned,
    log,
    onDifference: (difference) => process.stderr.write(`${JSON.stringify(difference)}\n`),
    onProgress: () => {},
    signal,
  });
  const seconds = (clock.monotonicMs() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { records, different, outsideRange, threads } = verified;
  if (withLearned) report(`${name}.speed`, records / seconds, 'events/s');
  else reportBar(`${name}.speed`, records / seconds, 'events/s', '>=', 10_000);
  // What other work on the machine hardly touches.
  report(`${name}.cpuSpeed`, (records * 1e6) / (user + system), 'events/cpu-s');
  report(`${name}.events`, records, 'events');
  report(`${name}.threadsJudged`, threads.recomputed, 'threads');
  report(`${name}.learnedThreadsLeftOut`, threads.skipped, 'threads');
  reportBar(`${name}.different`, different, 'decisions', '<=', 0);
  reportBar(`${name}.unverifiable`, outsideRange + threads.unverifiable, 'decisions and threads', '<=', 0);
}

async function measureRetrain(home: EngineHome, settings: FoldSettings): Promise<void> {
  const { broker, topicPrefix } = home;
  const { earliest: from, end: to } = await broker.offsets({
    topic: topicPrefix + topics.learningEvents.name,
    partition: 0,
  });
  const startedMs = clock.monotonicMs();
  const { events } = await retrain({
    broker,
    topicPrefix,
    span: { from, to },
    settings,
    lateOutcomes: true,
    onProgress: () => {},
    signal,
  });
  report('retrain.speed', (1_000 * events) / (clock.monotonicMs() - startedMs), 'events/s');
  report('retrain.events', events, 'events');
}

runCheck(main);
