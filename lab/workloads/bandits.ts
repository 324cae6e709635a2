/**
 * Classic contextual bandits (Riquelme, Tucker and Snoek 2018) as workloads with the caller's own features: UCI Statlog
 * shuttle, Adult, Mushroom, and the synthetic Wheel. Rows are drawn with replacement, seeded.
 *
 * Adult comes with two labels. That paper guesses the occupation, which the other columns hardly tell: least squares on
 * 20,000 rows with every arm's reward shown still loses 71 % of what uniform choice loses, LinUCB in 5,000 steps 78 to 86 %.
 * Figures of 30 to 40 % belong to the column after it, the relationship, 14 arms of which six can pay: LinUCB loses 29 to 39 % there.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ModelConfig } from '../../lib/config/router-config';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { checkRowIndex, type Outcome, type Workload, type WorkloadRow } from './workload';

export const banditNames = ['shuttle', 'adult', 'adult-relationship', 'mushroom', 'wheel'] as const;
export type BanditName = (typeof banditNames)[number];

export interface BanditWorkload extends Workload {
  /** Expected score of each arm at a row, in the order of `models`; regret is judged on these, not on luck. */
  expectedScores(index: number): readonly number[];
}

export interface BanditOptions {
  /** Folder of `shuttle.trn.gz`, `adult.data.gz` and `mushroom.csv.gz`; the wheel needs none. */
  readonly folder: string;
  readonly rows: number;
  readonly seed: number;
}

/** One draw: context, expected scores, and realised ones. */
interface Draw {
  readonly features: readonly number[];
  readonly expected: readonly number[];
  readonly realised: readonly number[];
}

interface Bandit {
  readonly arms: readonly string[];
  draw(random: Random): Draw;
}

const wheelDelta = 0.5;

/** Throws the file system's error when a data file is missing. */
export function banditWorkload(name: BanditName, options: BanditOptions): BanditWorkload {
  const { folder, rows, seed } = options;
  const bandit = load(name, folder);
  const models = bandit.arms.map(armConfig);
  const drawAt = (index: number): Draw => {
    checkRowIndex(index, rows);
    return bandit.draw(seededRandom(seed, 'bandit', name, index));
  };
  const row = (index: number): WorkloadRow => {
    const { features, realised } = drawAt(index);
    const outcomes = new Map(models.map((model, a): [string, Outcome] => [model.name, outcomeOf(realised[a]!)]));
    const id = `${name}-${seed}-${index}`;
    return { id, split: null, group: null, prompt: null, features, taskHint: null, outcomes };
  };
  return {
    name,
    simulated: name === 'wheel',
    models,
    rows,
    events: [],
    utility: null,
    row,
    expectedScores: (index) => drawAt(index).expected,
  };
}

/**
 * Expected regret of the chosen arms (indices into `models`, one per row) as a share of what the uniform policy loses:
 * 0 is perfect, 1 is random.
 */
export function banditRegretShare(bandit: BanditWorkload, choices: ArrayLike<number>): number {
  let lost = 0;
  let lostByUniform = 0;
  for (let i = 0; i < choices.length; i++) {
    const expected = bandit.expectedScores(i);
    const best = Math.max(...expected);
    lost += best - expected[choices[i]!]!;
    lostByUniform += best - expected.reduce((sum, value) => sum + value, 0) / expected.length;
  }
  return lost / lostByUniform;
}

function load(name: BanditName, folder: string): Bandit {
  switch (name) {
    case 'shuttle':
      return shuttle(readTable(join(folder, 'shuttle.trn.gz'), ' '));
    case 'adult':
      return adult(readTable(join(folder, 'adult.data.gz'), ','), adultOccupation);
    case 'adult-relationship':
      return adult(readTable(join(folder, 'adult.data.gz'), ','), adultRelationship);
    case 'mushroom':
      return mushroom(readTable(join(folder, 'mushroom.csv.gz'), ',').slice(1));
    case 'wheel':
      return wheel();
  }
}

/** Nine numbers; the last column is the class 1..7 and the arm that pays 1. */
function shuttle(table: readonly string[][]): Bandit {
  return classification(
    ['1', '2', '3', '4', '5', '6', '7'],
    table.map((cells) => ({ features: cells.slice(0, -1).map(Number), right: Number(cells.at(-1)) - 1 })),
  );
}

/** Columns, counted from 0. */
const adultOccupation = 6;
const adultRelationship = 7;
const adultNumbers = new Set([0, 2, 4, 10, 11, 12]);
/** As many as there are occupations; another label leaves arms that never pay. */
const adultArms = 14;

/** The arm that names the label's value pays 1; rows with `?` are dropped; numbers standardised, other columns one-hot. */
function adult(table: readonly string[][], label: number): Bandit {
  const complete = table.filter((cells) => !cells.includes('?'));
  const values = distinct(complete.map((cells) => cells[label]!));
  const idle = Array.from({ length: Math.max(0, adultArms - values.length) }, (_, i) => `idle-${i + 1}`);
  const columns = complete[0]!
    .map((_, c) => c)
    .filter((c) => c !== label)
    .map((c) => {
      const cells = complete.map((row) => row[c]!);
      return adultNumbers.has(c) ? standardised(cells.map(Number)) : oneHot(cells);
    });
  return classification(
    [...values, ...idle],
    complete.map((cells, r) => ({
      features: columns.flatMap((column) => column[r]!),
      right: values.indexOf(cells[label]!),
    })),
  );
}

/** Eat: edible +5, poisonous -35 or +5 by a fair coin; pass: 0. Scaled to 0..1 as (r + 35) / 40. */
function mushroom(table: readonly string[][]): Bandit {
  const width = table[0]!.length;
  const columns = Array.from({ length: width - 1 }, (_, c) => oneHot(table.map((cells) => cells[c + 1]!)));
  const contexts = table.map((_, r) => columns.flatMap((column) => column[r]!));
  const pass = 35 / 40;
  return {
    arms: ['eat', 'pass'],
    draw(random) {
      const r = random.integer(table.length);
      const lucky = random.next() < 0.5 ? 1 : 0;
      const edible = table[r]![0] === 'e';
      return { features: contexts[r]!, expected: [edible ? 1 : 0.5, pass], realised: [edible ? 1 : lucky, pass] };
    },
  };
}

/** x uniform in the unit disc. Arm 0 pays 1.2, the others 1.0, but outside radius delta the quadrant's arm pays 50. */
function wheel(): Bandit {
  return {
    arms: ['0', '1', '2', '3', '4'],
    draw(random) {
      const radius = Math.sqrt(random.next());
      const angle = 2 * Math.PI * random.next();
      const x = radius * Math.cos(angle);
      const y = radius * Math.sin(angle);
      const payoffs = [1.2, 1, 1, 1, 1];
      if (radius > wheelDelta) payoffs[1 + (x > 0 ? 0 : 2) + (y > 0 ? 0 : 1)] = 50;
      const expected = payoffs.map((payoff) => payoff / 51);
      return { features: [x, y], expected, realised: payoffs.map((payoff) => (payoff + 0.01 * random.normal()) / 51) };
    },
  };
}

function classification(arms: readonly string[], rows: readonly { features: number[]; right: number }[]): Bandit {
  return {
    arms,
    draw(random) {
      const { features, right } = rows[random.integer(rows.length)]!;
      const scores = arms.map((_, a) => (a === right ? 1 : 0));
      return { features, expected: scores, realised: scores };
    },
  };
}

function readTable(path: string, separator: string): string[][] {
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(separator).map((cell) => cell.trim()));
}

function standardised(values: readonly number[]): number[][] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const sd = Math.sqrt(variance) || 1;
  return values.map((value) => [(value - mean) / sd]);
}

function oneHot(values: readonly string[]): number[][] {
  const categories = distinct(values);
  const coded = new Map(categories.map((category, c) => [category, categories.map((_, i) => (i === c ? 1 : 0))]));
  return values.map((value) => coded.get(value)!);
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

function outcomeOf(score: number): Outcome {
  return { score, costUsd: null, latencyMs: 1, status: 'SUCCESS', inputTokens: null, outputTokens: null };
}

/** Every arm its own provider: arms of a bandit do not fail together. */
function armConfig(arm: string): ModelConfig {
  return {
    name: `arm-${arm}`,
    provider: `arm-${arm}`,
    price: { inputPerMillionUsd: 0, outputPerMillionUsd: 0, perRequestUsd: 0 },
    capabilities: [],
    contextTokens: 1_000_000,
    expectedLatencyMs: 1,
    expectedOutputTokens: 1,
    expectedQuality: 0.5,
    taskQuality: {},
  };
}
