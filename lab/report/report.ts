/** What a run was worth, as plain text: one table over all policies. */
import type { PolicyResult } from '../policies/baselines';
import { pairedDifference } from './paired-difference';

export interface TableOptions {
  /** Bold for the first policy; only for a terminal. */
  readonly color: boolean;
  /** Adds how much better the first policy is than each other one, with its 95 % interval. */
  readonly paired: boolean;
  /** Width to write for; where the table is wider, its longest title gives way. 100 by default. */
  readonly columns?: number;
}

/** One line per policy under a header, the first policy being the one the others are compared with. Ends in a newline. */
export function policyTable(results: readonly PolicyResult[], options: TableOptions): string {
  const first = results[0];
  const header = ['policy', 'utility', 'quality', 'USD/1,000', 'regret'];
  const title = `${first?.name ?? ''} is better by`;
  if (options.paired) header.push(title);
  const lines = results.map((result) => {
    const cost = result.costUsdPer1000;
    const cells = [
      result.name,
      result.meanUtility.toFixed(4),
      result.meanQuality.toFixed(4),
      cost === null ? 'unknown' : cost.toFixed(cost < 1 ? 4 : 2),
      result.regret.toFixed(4),
    ];
    if (options.paired) cells.push(result === first ? '' : describeDifference(first!, result));
    return cells;
  });
  const boldRow = options.color ? 1 : null;
  const table = alignColumns([header, ...lines], boldRow);
  const isTooWide = table.split('\n').some((line) => line.length > (options.columns ?? 100));
  return isTooWide && options.paired ? alignColumns([[...header.slice(0, -1), 'better by'], ...lines], boldRow) : table;
}

function describeDifference(first: PolicyResult, other: PolicyResult): string {
  const { mean, low, high } = pairedDifference(first.utilities, other.utilities);
  const sign = mean < 0 ? '-' : '+';
  return `${sign}${Math.abs(mean).toFixed(4)} ± ${((high - low) / 2).toFixed(4)}`;
}

/** First column to the left, the others to the right, a rule below the header. `boldRow` 1 is the first below it. */
export function alignColumns(rows: readonly (readonly string[])[], boldRow: number | null): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  const lines = rows.map((row, r) => {
    const cells = row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)));
    const line = cells.join('  ').trimEnd();
    return r === boldRow ? `\u001b[1m${line}\u001b[22m` : line;
  });
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return `${lines.join('\n')}\n`;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Nearest-rank quantiles; NaN without values. */
export function quantilesOf(values: ArrayLike<number>): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export interface Rise {
  readonly firstTenth: number;
  readonly lastTenth: number;
  readonly rise: number;
}

/** How much the mean grew from the first to the last tenth (at least one value each); NaN without values. */
export function riseOf(values: ArrayLike<number>): Rise {
  const tenth = Math.max(1, Math.floor(values.length / 10));
  const meanOf = (from: number, to: number): number => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += values[i] ?? Number.NaN;
    return sum / (to - from);
  };
  const firstTenth = meanOf(0, tenth);
  const lastTenth = meanOf(Math.max(0, values.length - tenth), Math.max(tenth, values.length));
  return { firstTenth, lastTenth, rise: lastTenth - firstTenth };
}
