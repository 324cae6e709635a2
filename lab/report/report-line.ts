/** What every benchmark and check prints: one JSON object a line. */
import { rounded } from '../../lib/figures/figures';

export interface ReportLine {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The figure to reach; `ok` says whether it was. */
  readonly bar?: number;
  readonly ok?: boolean;
}

let failures = 0;

/** More fields of a line, printed after the others. */
export type ReportDetails = Readonly<Record<string, unknown>>;

/** Prints a figure without a bar. */
export function report(name: string, value: number, unit: string, details: ReportDetails = {}): void {
  process.stdout.write(`${JSON.stringify({ name, value: printed(value), unit, ...details })}\n`);
}

/** Prints a figure that must be at most (`<=`) or at least (`>=`) the bar. */
export function reportBar(
  name: string,
  value: number,
  unit: string,
  relation: '<=' | '>=',
  bar: number,
  details: ReportDetails = {},
): void {
  const ok = relation === '<=' ? value <= bar : value >= bar;
  if (!ok) failures += 1;
  process.stdout.write(`${JSON.stringify({ name, value: printed(value), unit, bar, ok, ...details })}\n`);
}

/** Bars missed so far. */
export function barsMissed(): number {
  return failures;
}

/** Runs a benchmark or check and ends the process: 0 when every bar was met, 1 otherwise. */
export function runCheck(check: () => Promise<void>): void {
  check().then(
    () => process.exit(failures > 0 ? 1 : 0),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
}

function printed(value: number): number {
  return Number.isFinite(value) ? rounded(value, 6) : value;
}

/** Four significant digits are more than the noise of a study leaves. */
export function fourDigits(value: number): number {
  return rounded(value, 4);
}
