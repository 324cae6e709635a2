/**
 * What training costs: a gradient step on every tensor backend that is there, beside plain loops, in the same run; whether
 * `auto` would take the fastest; tensors left behind after 10,000 steps; and what the routing thread notices of it.
 *
 *     node dist/bench/learning-backends.js [--steps 10000]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { report, reportBar, runCheck } from '../lab/report/report-line';
import { workloadConfig } from '../lab/runs/workload-config';
import { recordedEvents } from '../lab/runs/workload-records';
import { simulatedWorld } from '../lab/workloads/simulated-world';
import { fasterBackend } from '../lib/adapters/tensor/choose-backend';
import { nodeBackend, nodeBackendInstalled } from '../lib/adapters/tensor/node-backend';
import { wasmBackend } from '../lib/adapters/tensor/wasm-backend';
import { initialParameters, type NetworkShape, outputsOf, parameterCount } from '../lib/learning/rl/network';
import { createTrainer } from '../lib/learning/rl/trainer';
import type { Batch, TrainerSettings } from '../lib/learning/rl/training-step';
import { headCount } from '../lib/learning/value/linear-half';
import type { TensorBackend, TensorBackendName } from '../lib/ports/tensor-backend';
import { seededRandom } from '../lib/random/seeded';
import { topics } from '../lib/topics/topics';
import { foldSettingsOf } from '../services/dqn-trainer/fold/fold';
import { startFoldInWorker } from '../services/dqn-trainer/fold/fold-in-worker';
import type { FoldBatch } from '../services/dqn-trainer/fold/fold-settings';
import { createPlainTrainer } from './plain-training-step';

/** The engine's network for twelve models, and what a wider one would cost. */
const sizes = [
  { hidden: 64, rows: 64, rounds: 20 },
  { hidden: 128, rows: 64, rounds: 20 },
  { hidden: 256, rows: 128, rounds: 8 },
] as const;
const shapeOf = (hidden: number): NetworkShape => ({ inputs: 88, hidden, actions: 12, heads: headCount });
const stepsPerRound = 20;
const plainStepsPerRound = 2;
/** `auto` may be wrong where two backends are close. */
const almostFastest = 1.25;

const settings: TrainerSettings = {
  learningRate: 2e-3,
  weightDecay: 0.02,
  huberDelta: 5,
  gradientClip: 10 * Math.sqrt(headCount),
  targetUpdate: { kind: 'copy', everySteps: 100 },
};

const backends: readonly TensorBackend[] = [wasmBackend(), ...(nodeBackendInstalled() ? [nodeBackend()] : [])];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { steps: { type: 'string', default: '10000' } } });
  if (backends.length === 1) process.stderr.write('native TensorFlow is not installed (make tensorflow): wasm only\n');
  for (const size of sizes) await measureSize(size.hidden, size.rows, size.rounds);
  for (const backend of backends) await measureGrowth(backend, Number(values.steps));
  for (const { name } of backends) await measureEventLoop(name);
}

function batchOf(shape: NetworkShape, rows: number): Batch {
  const random = seededRandom(1, 'batch');
  const filled = (length: number, value: () => number) => Float32Array.from({ length }, value);
  return {
    rows,
    x: filled(rows * shape.inputs, () => random.normal()),
    targets: filled(rows * outputsOf(shape), () => random.normal()),
    // One model's outcome is known per request, and half of the heads learn from it.
    weights: filled(rows * outputsOf(shape), () => (random.next() < 1 / 24 ? 1 : 0)),
  };
}

/** Backends take turns, so that a busy moment hits them all. */
async function measureSize(hidden: number, rows: number, rounds: number): Promise<void> {
  const shape = shapeOf(hidden);
  const batch = batchOf(shape, rows);
  const start = initialParameters(shape, seededRandom(1, 'weights'));
  const plain = createPlainTrainer(shape, settings, start);
  const runners: { name: string; steps: number; run: () => void; ready: () => Promise<void>; timesUs: number[] }[] = [
    { name: 'plain', steps: plainStepsPerRound, run: () => plain.train(batch), ready: async () => {}, timesUs: [] },
  ];
  for (const backend of backends) {
    await backend.ready();
    const trainer = createTrainer(shape, settings, seededRandom(1, 'weights'));
    const run = () => trainer.train(batch);
    runners.push({ name: backend.name, steps: stepsPerRound, run, ready: () => backend.ready(), timesUs: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { steps, run, ready, timesUs } of runners) {
      await ready();
      for (let i = 0; i < steps; i++) {
        const startedMs = performance.now();
        run();
        timesUs.push(1_000 * (performance.now() - startedMs));
      }
    }
  }
  const best = new Map<string, number>();
  for (const { name, timesUs } of runners) {
    timesUs.sort((a, b) => a - b);
    best.set(name, timesUs[0]!);
    report(`learning.step.h${hidden}b${rows}.${name}.p50`, timesUs[timesUs.length >> 1]!, 'us');
    report(`learning.step.h${hidden}b${rows}.${name}.best`, timesUs[0]!, 'us');
  }
  best.delete('plain');
  const auto = fasterBackend({ weights: parameterCount(shape), rows }, nodeBackendInstalled()).name;
  const slower = best.get(auto)! / Math.min(...best.values());
  reportBar(`learning.auto.h${hidden}b${rows}.${auto}`, slower, 'x the fastest', '<=', almostFastest);
}

async function measureGrowth(backend: TensorBackend, steps: number): Promise<void> {
  await backend.ready();
  const shape = shapeOf(64);
  const trainer = createTrainer(shape, settings, seededRandom(1, 'weights'));
  const batch = batchOf(shape, 64);
  const warmUp = Math.floor(steps / 10);
  const before = tf.engine().state.numTensors;
  let rss = 0;
  for (let i = 0; i < steps; i++) {
    if (i === warmUp) rss = process.memoryUsage().rss;
    trainer.train(batch);
    trainer.predictBatch(batch.x, batch.rows, i % 2 === 0 ? 'online' : 'target');
  }
  reportBar(`learning.growth.${backend.name}.tensors`, tf.engine().state.numTensors - before, 'tensors', '<=', 0);
  report(`learning.growth.${backend.name}.rss`, (process.memoryUsage().rss - rss) / 1e6, 'MB');
  trainer.dispose();
}

/** A batch trained on the routing thread would take five times as long; a busy machine's scheduler takes up to half of it. */
const noticedMs = 20;
const idleMs = 1_000;
const slices = 4;
const eventsPerBatch = 20;

/** Delay of the main thread's event loop while the training thread idles, and while it trains without a pause; by turns. */
async function measureEventLoop(backend: TensorBackendName): Promise<void> {
  const world = simulatedWorld({ world: 1, rows: 4_000, seed: 1 });
  const config = workloadConfig(world);
  const { codec, name } = topics.learningEvents;
  const batchAt = (from: number): FoldBatch =>
    Array.from({ length: eventsPerBatch }, (_, i) => {
      const records = recordedEvents(world.row((from + i) % world.rows), config, 0);
      const event = codec.decode(records.find(({ topic }) => topic === name)!.value!);
      return { event: { ...event, eventId: `${from + i}` }, offset: from + i };
    });
  const fold = await startFoldInWorker(foldSettingsOf(config, backend), null);
  const delays = { off: monitorEventLoopDelay({ resolution: 1 }), on: monitorEventLoopDelay({ resolution: 1 }) };
  let at = 0;
  let trainedMs = 0;
  for (let slice = 0; slice < slices; slice++) {
    const batches = Array.from({ length: 50 }, (_, i) => batchAt(at + i * eventsPerBatch));
    delays.off.enable();
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    delays.off.disable();
    const startedMs = performance.now();
    delays.on.enable();
    for (const batch of batches) await fold.apply(batch);
    delays.on.disable();
    trainedMs += performance.now() - startedMs;
    at += batches.length * eventsPerBatch;
  }
  await fold.close();
  const p99 = { off: delays.off.percentile(99) / 1e6, on: delays.on.percentile(99) / 1e6 };
  report(`learning.eventLoop.${backend}.trainingOff.p99`, p99.off, 'ms');
  reportBar(`learning.eventLoop.${backend}.trainingOn.p99`, p99.on, 'ms', '<=', noticedMs);
  report(`learning.eventLoop.${backend}.ratio`, p99.on / p99.off, 'x');
  report(`learning.eventLoop.${backend}.trained`, (1_000 * at) / trainedMs, 'events/s');
}

runCheck(main);
