/** Figures of two builds that were measured in turn become ratios: on a shared machine only these can be compared. */
import type { ReportLine } from '../lab/report/report-line';

/** What one run of a benchmark printed, by name. */
export type Figures = ReadonlyMap<string, Pick<ReportLine, 'value' | 'unit'>>;

export interface Pair {
  readonly ours: Figures;
  readonly reference: Figures;
}

export interface Ratio {
  readonly name: string;
  readonly unit: string;
  /** Ours over the reference's, pair by pair: the median and how far pairs differ. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Medians of the figures themselves. */
  readonly ours: number;
  readonly reference: number;
  readonly pairs: number;
}

/** Lines that are no figures are passed over. The last line of a name counts. */
export function figuresOf(output: string): Figures {
  const figures = new Map<string, Pick<ReportLine, 'value' | 'unit'>>();
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { name, value, unit } = JSON.parse(line) as Partial<ReportLine>;
    if (typeof name === 'string' && typeof value === 'number') figures.set(name, { value, unit: unit ?? '' });
  }
  return figures;
}

/** One ratio for every figure that both builds gave in at least one pair, in the order of ours. A reference of 0 has none. */
export function pairRatios(pairs: readonly Pair[]): Ratio[] {
  const names = new Set(pairs.flatMap(({ ours }) => [...ours.keys()]));
  return [...names].flatMap((name) => {
    const both = pairs.flatMap(({ ours, reference }) => {
      const [own, other] = [ours.get(name), reference.get(name)];
      return own && other && other.value !== 0 ? [{ own: own.value, other: other.value, unit: own.unit }] : [];
    });
    if (both.length === 0) return [];
    const ratios = both.map(({ own, other }) => own / other);
    return [
      {
        name,
        unit: both[0]!.unit,
        median: medianOf(ratios),
        min: Math.min(...ratios),
        max: Math.max(...ratios),
        ours: medianOf(both.map(({ own }) => own)),
        reference: medianOf(both.map(({ other }) => other)),
        pairs: both.length,
      },
    ];
  });
}

/** Of at least one value; of an even number of them the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface RatioBar {
  readonly name: string;
  readonly relation: '<=' | '>=';
  readonly bar: number;
}

/** Reads `name>=3` or `name<=0.5`. Throws, repeating the text, for anything else. */
export function readRatioBar(text: string): RatioBar {
  const [, name, relation, bar] = /^([\w.]+)(<=|>=)(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (!name || !relation || !bar) throw new Error(`a bar looks like inProcess.saturation>=3, not ${text}`);
  return { name, relation: relation as RatioBar['relation'], bar: Number(bar) };
}
