/**
 * Learner and policy alone on recorded data, serially, with the production publishing rule and no services: the fast way
 * to see what a change of the learning is worth. Only the chosen model's outcome is shown, unless `--train full`.
 *
 *     npx tsx lab/studies/learning-stream.ts --data F [--train chosen|full|none] [--test SPLIT|all] [--seeds 3]
 *       [--budget USD] [--models a,b] [--without part,part] [--order shuffle|file] [--pipeline full|dqn] [--publish steps|lockstep] [--frozen]
 *     npx tsx lab/studies/learning-stream.ts --world 1,2 [--rows 4000] [--seeds 1]
 *
 * The second form plays simulated worlds for utility, without services, threads or collapse.
 *
 * One JSON line per seed and one with the means.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../lib/random/seeded';
import { utilityOf, utilityWeights } from '../../lib/routing/judge/utility';
import { shuffled } from '../workloads/draw';
import { readRecordedData } from '../workloads/recorded-data';
import { simulatedWorld } from '../workloads/simulated-world';
import type { WorkloadRow } from '../workloads/workload';
import { LearnerStream, qualityOnly } from './quality/learner-stream';

/** Uniform random's expectation and that of the best model per row, for regret. */
function references(rows: readonly WorkloadRow[], models: readonly string[]): { random: number; oracle: number } {
  let random = 0;
  let oracle = 0;
  for (const row of rows) {
    const scores = models.flatMap((model) => row.outcomes.get(model)?.score ?? []);
    random += scores.reduce((sum, score) => sum + score, 0) / scores.length / rows.length;
    oracle += Math.max(...scores) / rows.length;
  }
  return { random, oracle };
}

/** Requests a provider is passed over after three failures in a row: the engine's breakers in miniature. */
const passedOver = 100;

/** One simulated world; prints the mean utility and that of each tenth of the run. */
async function playWorld(number: number, rows: number, seed: number): Promise<void> {
  const world = simulatedWorld({ world: number, rows, seed });
  const models = world.models.map(({ name }) => name);
  const { preference, scale } = world.utility ?? qualityOnly;
  const weights = utilityWeights(preference, scale, 0);
  const stream = await LearnerStream.create(models, {
    seed,
    pipeline: 'full',
    publish: 'steps',
    budgetUsd: null,
    explorationFloor: 0.01,
    wish: { preference, scale },
  });
  const latencies = new Map(world.models.map((model) => [model.name, model.expectedLatencyMs ?? 1000]));
  const providers = new Map(world.models.map((model) => [model.name, model.provider]));
  const failures = new Map<string, number>();
  const skippedUntil = new Map<string, number>();
  const tenths = new Array<number>(10).fill(0);
  const used = process.cpuUsage();
  for (let i = 0; i < rows; i++) {
    const row = world.row(i);
    const { model, outcome } = stream.route(row, {
      prices: (name) => {
        const price = world.priceAt(i, name);
        return (750 * price.inputPerMillionUsd + 250 * price.outputPerMillionUsd) / 1e6;
      },
      latencyMs: (name) => latencies.get(name)!,
      available: (name) => (skippedUntil.get(providers.get(name)!) ?? 0) <= i,
    });
    const provider = providers.get(model)!;
    latencies.set(model, latencies.get(model)! + 0.05 * (outcome.latencyMs - latencies.get(model)!));
    failures.set(provider, outcome.status === 'SUCCESS' ? 0 : (failures.get(provider) ?? 0) + 1);
    if (failures.get(provider)! >= 3) skippedUntil.set(provider, i + passedOver);
    const utility = utilityOf(weights, outcome.score, outcome.costUsd ?? 0, outcome.latencyMs);
    tenths[Math.floor((10 * i) / rows)]! += (10 * utility) / rows;
  }
  const { user, system } = process.cpuUsage(used);
  console.log(
    JSON.stringify({
      world: number,
      seed,
      utility: round(tenths.reduce((sum, value) => sum + value, 0) / 10),
      tenths: tenths.map((value) => Math.round(value * 1000) / 1000),
      neuralWeight: round(stream.lastTuning.neuralWeight),
      cpuMsPerRequest: round((user + system) / 1000 / rows),
    }),
  );
  stream.learner.dispose();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      world: { type: 'string' },
      rows: { type: 'string', default: '4000' },
      data: { type: 'string' },
      train: { type: 'string', default: 'none' },
      test: { type: 'string', default: 'all' },
      seeds: { type: 'string', default: '3' },
      budget: { type: 'string' },
      models: { type: 'string' },
      without: { type: 'string', default: '' },
      order: { type: 'string', default: 'shuffle' },
      pipeline: { type: 'string', default: 'full' },
      publish: { type: 'string', default: 'steps' },
      frozen: { type: 'boolean', default: false },
    },
  });
  if (values.world) {
    for (const world of values.world.split(',').map(Number))
      for (let seed = 1; seed <= Number(values.seeds); seed++) await playWorld(world, Number(values.rows), seed);
    return;
  }
  const workload = await readRecordedData(values.data!);
  const rows = Array.from({ length: workload.rows }, (_, i) => workload.row(i));
  const without = values.without!.split(',').filter(Boolean);
  const models = (values.models?.split(',') ?? workload.models.map(({ name }) => name)).filter(
    (model) => !without.some((part) => model.includes(part)),
  );
  const usable = rows.filter((row) => models.some((model) => (row.outcomes.get(model) ?? null) !== null));
  const test = usable.filter((row) => values.test === 'all' || row.split === values.test);
  const train = values.train === 'none' ? [] : usable.filter((row) => row.split !== values.test);
  const { random, oracle } = references(test, models);
  const scores: number[] = [];
  const regrets: number[] = [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const order = (some: readonly WorkloadRow[], label: string): readonly WorkloadRow[] =>
      values.order === 'file' ? some : shuffled(some.length, seededRandom(seed, label)).map((i) => some[i]!);
    const stream = await LearnerStream.create(models, {
      seed,
      pipeline: values.pipeline as 'full',
      publish: values.publish as 'steps',
      budgetUsd: values.budget ? Number(values.budget) : null,
      explorationFloor: 0.01,
    });
    let trainScore = 0;
    for (const row of order(train, 'train')) {
      if (values.train === 'full') stream.show(row);
      else trainScore += stream.route(row).outcome.score / train.length;
    }
    let score = 0;
    let costUsd = 0;
    let lateScore = 0;
    let lateCost = 0;
    order(test, 'test').forEach((row, i) => {
      const { outcome } = stream.route(row, { frozen: values.frozen! });
      score += outcome.score / test.length;
      costUsd += (outcome.costUsd ?? 0) / test.length;
      if (i < test.length / 2) return;
      lateScore += outcome.score / (test.length - Math.ceil(test.length / 2));
      lateCost += (outcome.costUsd ?? 0) / (test.length - Math.ceil(test.length / 2));
    });
    const regret = (oracle - score) / (oracle - random);
    scores.push(score);
    regrets.push(regret);
    const { tuning, line } = { tuning: stream.lastTuning, line: basename(values.data!) };
    console.log(
      JSON.stringify({
        data: line,
        seed,
        score: round(score),
        regretShare: round(regret),
        trainScore: round(trainScore),
        costUsd,
        lateScore: round(lateScore),
        ...(values.budget ? { lateSpend: round(lateCost / Number(values.budget)) } : {}),
        neuralWeight: round(tuning.neuralWeight),
        judgeUs: round((1000 * stream.judgeMs) / stream.judged),
      }),
    );
    stream.learner.dispose();
  }
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  console.log(
    JSON.stringify({
      data: basename(values.data!),
      meanScore: round(mean(scores)),
      meanRegretShare: round(mean(regrets)),
      random,
      oracle,
    }),
  );
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

if (require.main === module) void main();
