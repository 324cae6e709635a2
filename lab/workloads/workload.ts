/**
 * The common shape of everything a policy can be judged on: simulated, recorded and bandit data. Only yardsticks look
 * into the outcomes of models that were not chosen; the engine is shown the chosen one alone.
 */
import type { ModelConfig } from '../../lib/config/router-config';
import type { OutcomeStatus, Preference, UtilityScale } from '../../lib/topics/generated/messages';

/** What happened, or would have happened, when a model answered a row. */
export interface Outcome {
  /** Quality of the answer, 0..1; 0 where the call failed. */
  readonly score: number;
  /** Null: unknown. */
  readonly costUsd: number | null;
  readonly latencyMs: number;
  readonly status: OutcomeStatus;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

/** One request and what every model would have made of it. Exactly one of `prompt` and `features` is given. */
export interface WorkloadRow {
  readonly id: string;
  /** Which part of the data it belongs to; null where the data has one part. Not for the router. */
  readonly split: string | null;
  /** True task or data set, to group results by. Not for the router. */
  readonly group: string | null;
  readonly prompt: string | null;
  readonly features: readonly number[] | null;
  readonly taskHint: string | null;
  /** Per model; null or absent: not measured, so no candidate for this row. */
  readonly outcomes: ReadonlyMap<string, Outcome | null>;
}

export type Price = ModelConfig['price'];

/** Something that changes in mid-run, before the row at `atIndex` is requested. */
export type WorldEvent =
  /** Announced: whoever runs the engine applies it to the config. */
  | { readonly kind: 'priceChanged'; readonly atIndex: number; readonly model: string; readonly price: Price }
  /** Announced: one of the workload's models is configured from here on; it is not before. */
  | { readonly kind: 'modelJoined'; readonly atIndex: number; readonly model: string }
  /** Not announced: shows only as failures. */
  | { readonly kind: 'outageBegan' | 'outageEnded'; readonly atIndex: number; readonly provider: string };

export interface Workload {
  readonly name: string;
  readonly simulated: boolean;
  /** In config order, with the prices in force at the first row; those that join later, too. */
  readonly models: readonly ModelConfig[];
  /** How many rows there are. */
  readonly rows: number;
  /** Pure: the same index gives an equal row. Throws RangeError outside 0 .. rows - 1. */
  row(index: number): WorkloadRow;
  /** Ordered by `atIndex`; empty for recorded data. */
  readonly events: readonly WorldEvent[];
  /** What the workload wants utility to mean; null leaves it to the config. */
  readonly utility: { readonly preference: Preference; readonly scale: UtilityScale } | null;
}

/** Models that are candidates for the row, in the workload's order. */
export function candidatesOf(workload: Workload, row: WorkloadRow): string[] {
  return workload.models.map((m) => m.name).filter((name) => (row.outcomes.get(name) ?? null) !== null);
}

/** Models that must be denied for the row because they were not measured on it. */
export function deniedModelsOf(workload: Workload, row: WorkloadRow): string[] {
  return workload.models.map((m) => m.name).filter((name) => (row.outcomes.get(name) ?? null) === null);
}

export function checkRowIndex(index: number, rows: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= rows) {
    throw new RangeError(`row ${index} does not exist; the workload has rows 0 .. ${rows - 1}`);
  }
}
