import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allBaselines, bestPerGroup, outcomeMatrix, thompsonTable } from '../../../lab/policies/baselines';
import { simulatedTasks } from '../../../lab/workloads/prompt-vocabulary';
import { type SimulatedWorld, simulatedWorld } from '../../../lab/workloads/simulated-world';
import { candidatesOf, deniedModelsOf } from '../../../lab/workloads/workload';
import { utilityWeights } from '../../../lib/routing/judge/utility';

const rows = 2_000;
const worlds = [1, 2, 3, 4, 5].map((world) => simulatedWorld({ world, rows, seed: 1 }));
const first = worlds[0]!;

function eventsOf(world: SimulatedWorld) {
  const began = world.events.find((e) => e.kind === 'outageBegan');
  const ended = world.events.find((e) => e.kind === 'outageEnded');
  const changed = world.events.find((e) => e.kind === 'priceChanged');
  if (began?.kind !== 'outageBegan' || ended === undefined || changed?.kind !== 'priceChanged')
    throw new Error('events');
  return { began, ended, changed };
}

test('a row is a pure function of world, seed and index', () => {
  const again = simulatedWorld({ world: 1, rows, seed: 1 });
  expect(again.row(1_234)).toEqual(first.row(1_234));
  expect(again.models).toEqual(first.models);
  expect(simulatedWorld({ world: 1, rows, seed: 2 }).row(7)).not.toEqual(first.row(7));
  expect(simulatedWorld({ world: 1, rows: 10 * rows, seed: 1 }).row(7)).toEqual(first.row(7));
});

test('it has ten models of four providers and six tasks', () => {
  expect(new Set(first.models.map((m) => m.name)).size).toBe(10);
  expect(new Set(first.models.map((m) => m.provider)).size).toBe(4);
  const seen = new Set(Array.from({ length: 200 }, (_, i) => first.row(i).group));
  expect([...seen].sort()).toEqual([...simulatedTasks].sort());
  for (const model of first.models) expect(Object.keys(model.taskQuality)).toEqual([...simulatedTasks]);
});

test('worlds permute skills and prices, they invent none', () => {
  const skills = (world: SimulatedWorld) => world.truth.flatMap((m) => Object.values(m.skill)).sort();
  const prices = (world: SimulatedWorld) => world.models.map((m) => m.price.outputPerMillionUsd).sort();
  for (const world of worlds.slice(1)) {
    expect(skills(world)).toEqual(skills(first));
    expect(prices(world)).toEqual(prices(first));
    expect(world.truth.map((m) => m.archetype.label)).not.toEqual(first.truth.map((m) => m.archetype.label));
  }
});

test('every model is a candidate and every outcome is in range', () => {
  for (let i = 0; i < rows; i += 20) {
    const row = first.row(i);
    expect(candidatesOf(first, row)).toHaveLength(10);
    expect(deniedModelsOf(first, row)).toEqual([]);
    for (const outcome of row.outcomes.values()) {
      expect(outcome!.score).toBeGreaterThanOrEqual(0);
      expect(outcome!.score).toBeLessThanOrEqual(1);
      expect(outcome!.latencyMs).toBeGreaterThan(0);
      if (outcome!.status !== 'SUCCESS') expect(outcome).toMatchObject({ score: 0, costUsd: 0 });
      else expect(outcome!.costUsd).toBeGreaterThan(0);
    }
  }
});

test('code and math pass or fail, the rest is graded', () => {
  const scores = new Map<string, number[]>();
  for (let i = 0; i < 300; i++) {
    const row = first.row(i);
    const seen = scores.get(row.group!) ?? [];
    for (const outcome of row.outcomes.values()) if (outcome!.status === 'SUCCESS') seen.push(outcome!.score);
    scores.set(row.group!, seen);
  }
  for (const [task, seen] of scores) {
    const graded = seen.some((score) => score > 0 && score < 1);
    expect([task, graded]).toEqual([task, task !== 'code' && task !== 'math']);
  }
});

test('mean quality follows the true skill', () => {
  const sums = first.models.map(() => ({ sum: 0, count: 0 }));
  for (let i = 0; i < rows; i++) {
    const row = first.row(i);
    if (row.group !== 'code') continue;
    first.models.forEach((model, m) => {
      const outcome = row.outcomes.get(model.name)!;
      if (outcome.status !== 'SUCCESS') return;
      sums[m]!.sum += outcome.score;
      sums[m]!.count++;
    });
  }
  sums.forEach(({ sum, count }, m) => {
    expect(Math.abs(sum / count - first.truth[m]!.skill.code)).toBeLessThan(0.1);
  });
});

test('harder requests get longer prompts and worse answers', () => {
  const bins = [0, 1].map(() => ({ length: 0, score: 0, count: 0 }));
  for (let i = 0; i < rows; i++) {
    const row = first.row(i);
    const bin = bins[first.difficultyAt(i) > 0.5 ? 1 : 0]!;
    bin.length += row.prompt!.length;
    for (const outcome of row.outcomes.values()) bin.score += outcome!.score / 10;
    bin.count++;
  }
  const [easy, hard] = bins as [(typeof bins)[0], (typeof bins)[0]];
  expect(hard.length / hard.count).toBeGreaterThan(1.3 * (easy.length / easy.count));
  expect(hard.score / hard.count).toBeLessThan(easy.score / easy.count - 0.1);
});

test('a provider fails completely during the outage, shows it only as failures, and recovers', () => {
  for (const world of worlds) {
    const { began, ended } = eventsOf(world);
    const provided = world.models.filter((m) => m.provider === began.provider);
    const failuresAt = (index: number) =>
      provided.filter((m) => world.row(index).outcomes.get(m.name)!.status !== 'SUCCESS').length;
    for (let i = began.atIndex; i < ended.atIndex; i++) expect(failuresAt(i)).toBe(provided.length);
    expect(world.isDown(began.atIndex - 1, began.provider)).toBe(false);
    expect(world.isDown(began.atIndex, began.provider)).toBe(true);
    expect(world.isDown(ended.atIndex, began.provider)).toBe(false);
    expect(world.models.some((m) => world.isDown(began.atIndex, m.provider) && m.provider !== began.provider)).toBe(
      false,
    );
    const after = Array.from({ length: 50 }, (_, i) => failuresAt(ended.atIndex + i));
    expect(after.reduce((a, b) => a + b) / (50 * provided.length)).toBeLessThan(0.1);
  }
});

test('the price change is charged from its index on', () => {
  const { changed } = eventsOf(first);
  const before = first.priceAt(changed.atIndex - 1, changed.model);
  expect(first.priceAt(changed.atIndex, changed.model)).toEqual(changed.price);
  expect(changed.price.outputPerMillionUsd).toBeCloseTo(10 * before.outputPerMillionUsd);
  expect(before).toEqual(first.models.find((m) => m.name === changed.model)!.price);
  const perToken = (index: number) => {
    const outcome = first.row(index).outcomes.get(changed.model)!;
    return outcome.costUsd! / (outcome.outputTokens! + outcome.inputTokens! / 4);
  };
  expect(perToken(changed.atIndex + 1) / perToken(changed.atIndex - 1)).toBeCloseTo(10);
  expect(() => first.priceAt(0, 'nobody')).toThrow(/no model nobody/);
});

test('a minority carries a hint, and it is the truth', () => {
  const sample = Array.from({ length: 1_000 }, (_, i) => first.row(i));
  const hinted = sample.filter((row) => row.taskHint !== null);
  expect(hinted.length).toBeGreaterThan(100);
  expect(hinted.length).toBeLessThan(300);
  for (const row of hinted) expect(row.taskHint).toBe(row.group);
});

test('prompts are filled in, varied and in several scripts', () => {
  const prompts = Array.from({ length: 1_000 }, (_, i) => first.row(i).prompt!);
  expect(new Set(prompts).size).toBeGreaterThan(990);
  for (const prompt of prompts) expect(prompt).not.toMatch(/\{[a-z]+\}/);
  expect(prompts.filter((p) => /[\u4e00-\u9fff]/.test(p)).length).toBeGreaterThan(30);
  expect(prompts.filter((p) => /[\u0400-\u04ff]/.test(p)).length).toBeGreaterThan(30);
  expect(prompts.filter((p) => /[äöüß]/.test(p)).length).toBeGreaterThan(30);
});

test('no single keyword tells a task', () => {
  const tasks = new Map<string, number>();
  const byWord = new Map<string, Map<string, number>>();
  for (let i = 0; i < rows; i++) {
    const { group, prompt } = first.row(i);
    tasks.set(group!, (tasks.get(group!) ?? 0) + 1);
    for (const word of new Set(prompt!.toLowerCase().split(/[^\p{L}]+/u))) {
      const counts = byWord.get(word) ?? new Map<string, number>();
      byWord.set(word, counts.set(group!, (counts.get(group!) ?? 0) + 1));
    }
  }
  for (const [word, counts] of byWord) {
    const all = [...counts.values()].reduce((a, b) => a + b);
    for (const [task, own] of counts) {
      const recall = own / tasks.get(task)!;
      const falseAlarms = (all - own) / (rows - tasks.get(task)!);
      expect({ word, task, tells: recall > 0.5 && falseAlarms < 0.05 }).toEqual({ word, task, tells: false });
    }
  }
});

test.each(worlds.map((w) => [w.world, w] as const))(
  'world %i leaves head-room for whoever reads the text',
  (_, world) => {
    const { preference, scale } = world.utility!;
    const weights = utilityWeights(preference, scale, 0);
    const matrix = outcomeMatrix(world, weights);
    const baselines = allBaselines(matrix, { weights, seed: 1, taskTypes: matrix.groups });
    const taskAware = bestPerGroup(matrix).meanUtility;
    expect(taskAware / baselines.staticRules.meanUtility).toBeGreaterThan(1.3);
    expect(taskAware / baselines.thompsonTable.meanUtility).toBeGreaterThan(1.1);
    expect(taskAware / baselines.bestSingle.meanUtility).toBeGreaterThan(1.3);
    expect(thompsonTable(matrix, { seed: 1, perGroup: true }).meanUtility).toBeGreaterThan(
      baselines.bestSingle.meanUtility,
    );
    // The hand-written rules must be a serious opponent.
    expect(baselines.staticRules.meanUtility).toBeGreaterThan(1.1 * baselines.random.meanUtility);
  },
);

test('bad options and rows are refused', () => {
  expect(() => simulatedWorld({ world: 1, rows: 0, seed: 1 })).toThrow(/rows must be a positive integer/);
  expect(() => first.row(rows)).toThrow(/row 2000 does not exist/);
  expect(() => first.row(-1)).toThrow(RangeError);
});

test('docs/simulated-world.md shows world 1 as it is', () => {
  // The columns of the table are padded.
  const doc = readFileSync(join(__dirname, '../../../docs/simulated-world.md'), 'utf8').replace(/ +/g, ' ');
  first.models.forEach((model, m) => {
    const { archetype, skill } = first.truth[m]!;
    const cells = simulatedTasks.map((task) => `${skill[task].toFixed(2)} (${model.taskQuality[task]!.toFixed(2)})`);
    const line = `| ${model.name} | ${archetype.label} | ${model.price.outputPerMillionUsd} | ${cells.join(' | ')} |`;
    expect(doc).toContain(line);
  });
  const { began, changed } = eventsOf(first);
  expect(doc).toContain(`the outage hits ${began.provider}`);
  expect(doc).toContain(`${changed.model} becomes ten times as dear`);
});
