/** What a figure is measured on: which rows, in which order, how much of them is shown, and what changes on the way. Pure. */
import type { LearningConfig } from '../../../lib/config/router-config';
import { seededRandom } from '../../../lib/random/seeded';
import { shuffled } from '../../workloads/draw';
import type { Outcome, Price, Workload, WorkloadRow } from '../../workloads/workload';

/** One run of the router. */
export interface Protocol {
  /** For progress and errors. */
  readonly name: string;
  readonly seed: number;
  /** Rows in the order they are played: the first `warmRows` are shown before anything is judged. */
  readonly workload: Workload;
  readonly warmRows: number;
  /** Of a warm row: every model's outcome, or only that of the model routed to. */
  readonly warm: 'full' | 'chosen';
  /** While judged: it goes on learning from chosen outcomes, or is frozen. */
  readonly feedback: 'chosen' | 'none';
  /** The outcome of the request at a position arrives after this many further requests; null: never. */
  readonly feedbackAfter: (position: number) => number | null;
  readonly budgetUsd: number | null;
  readonly pipeline: LearningConfig['pipeline'];
}

/** A cold start: every row is judged, only chosen outcomes are shown, at once, no budget, the whole pipeline. */
export function cold(name: string, workload: Workload, seed: number): Protocol {
  return {
    name,
    seed,
    workload,
    warmRows: 0,
    warm: 'chosen',
    feedback: 'chosen',
    feedbackAfter: () => 0,
    budgetUsd: null,
    pipeline: 'full',
  };
}

/** Numbers 0 .. count - 1 in the random order of a seed. */
export function randomOrder(count: number, seed: number, label: string): number[] {
  return shuffled(count, seededRandom(seed, 'bench-quality', label));
}

/** The workload with these rows alone, in this order. Events stay where they are: they count rows played. */
export function inOrder(workload: Workload, indices: readonly number[]): Workload {
  const rows = indices.map((index) => workload.row(index));
  return { ...workload, rows: rows.length, row: (index) => rows[index]! };
}

/** A random part of the workload of at most `most` rows, in the workload's order; for trying things out. */
export function part(workload: Workload, most: number): Workload {
  if (workload.rows <= most) return workload;
  const kept = randomOrder(workload.rows, 0, 'part').slice(0, most);
  return inOrder(
    workload,
    kept.sort((a, b) => a - b),
  );
}

/** One cut of `folds`: positions to train on, in random order, and positions held out. */
export interface Fold {
  readonly train: readonly number[];
  readonly heldOut: readonly number[];
}

/** Cuts `count` rows at random into folds that differ by at most one row; every row is held out exactly once. */
export function folds(count: number, parts: number, seed: number): Fold[] {
  const order = randomOrder(count, seed, 'folds');
  return Array.from({ length: parts }, (_, k) => ({
    train: order.filter((_, i) => i % parts !== k),
    heldOut: order.filter((_, i) => i % parts === k),
  }));
}

/** Where the middle third begins and ends, in rows. */
export function middleThird(rows: number): { readonly from: number; readonly to: number } {
  return { from: Math.floor(rows / 3), to: Math.floor((2 * rows) / 3) };
}

/** The workload with catalogue prices: USD per million input and output tokens. Throws RangeError for an unknown model. */
export function withPrices(
  workload: Workload,
  prices: Readonly<Record<string, { readonly input: number; readonly output: number }>>,
): Workload {
  for (const model of Object.keys(prices)) indexOf(workload, model);
  return {
    ...workload,
    models: workload.models.map((model) => {
      const price = prices[model.name];
      return price ? { ...model, price: priceOf(price.input, price.output) } : model;
    }),
  };
}

/**
 * In the middle third a model costs `input` and `output` USD per million tokens and its calls cost `costFactor` times
 * what was recorded; then the old price is back. Both changes are announced.
 */
export function priceChange(
  workload: Workload,
  change: { readonly model: string; readonly input: number; readonly output: number; readonly costFactor: number },
): Workload {
  const { model, input, output, costFactor } = change;
  const { from, to } = middleThird(workload.rows);
  const before = workload.models[indexOf(workload, model)]!.price;
  const cheaper = (outcome: Outcome): Outcome => ({
    ...outcome,
    costUsd: outcome.costUsd === null ? null : outcome.costUsd * costFactor,
  });
  return {
    ...inMiddleThird(workload, model, cheaper),
    events: [
      { kind: 'priceChanged', atIndex: from, model, price: priceOf(input, output) },
      { kind: 'priceChanged', atIndex: to, model, price: before },
    ],
  };
}

/** In the middle third a model scores `scoreFactor` times what was recorded. Nobody says so. */
export function qualityDrop(
  workload: Workload,
  change: { readonly model: string; readonly scoreFactor: number },
): Workload {
  indexOf(workload, change.model);
  return inMiddleThird(workload, change.model, (outcome) => ({
    ...outcome,
    score: outcome.score * change.scoreFactor,
  }));
}

/** A model that is configured only from the middle third on. */
export function joinsLater(workload: Workload, model: string): Workload {
  indexOf(workload, model);
  return { ...workload, events: [{ kind: 'modelJoined', atIndex: middleThird(workload.rows).from, model }] };
}

function inMiddleThird(workload: Workload, model: string, change: (outcome: Outcome) => Outcome): Workload {
  const { from, to } = middleThird(workload.rows);
  const row = (index: number): WorkloadRow => {
    const recorded = workload.row(index);
    const outcome = recorded.outcomes.get(model) ?? null;
    if (index < from || index >= to || outcome === null) return recorded;
    return { ...recorded, outcomes: new Map([...recorded.outcomes, [model, change(outcome)]]) };
  };
  return { ...workload, row };
}

function indexOf(workload: Workload, model: string): number {
  const index = workload.models.findIndex(({ name }) => name === model);
  if (index < 0) throw new RangeError(`${workload.name} has no model ${model}`);
  return index;
}

function priceOf(inputPerMillionUsd: number, outputPerMillionUsd: number): Price {
  return { inputPerMillionUsd, outputPerMillionUsd, perRequestUsd: 0 };
}
