/** Names of series for PromQL, made from the metrics of the engine: one that does not exist, or has no such label, does not compile. */
import type { CounterName, GaugeName, HistogramName, LabelsOf, MetricName } from '../../lib/telemetry/metric-names';

/** A value alone means that one; `!=`, `=~` and `!~` in front of it what they mean in PromQL. */
type Matchers<N extends MetricName> = { readonly [L in keyof LabelsOf<N>]?: string };

/** A counter or a gauge. */
export function series<N extends CounterName | GaugeName>(name: N, matchers: Matchers<N> = {}): string {
  return name + selectorOf(matchers);
}

/** Buckets of a histogram, for histogram_quantile. */
export function buckets<N extends HistogramName>(name: N, matchers: Matchers<N> = {}): string {
  return `${name}_bucket${selectorOf(matchers)}`;
}

/** How many values a histogram has seen. */
export function countOf<N extends HistogramName>(name: N, matchers: Matchers<N> = {}): string {
  return `${name}_count${selectorOf(matchers)}`;
}

function selectorOf(matchers: object): string {
  const parts = Object.entries(matchers as Record<string, string>).map(([label, given]) => {
    const operator = ['!=', '=~', '!~'].find((one) => given.startsWith(one));
    return `${label}${operator ?? '='}${JSON.stringify(given.slice(operator?.length ?? 0))}`;
  });
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Sum of what a counter gained a second. */
export function rateOf(of: string, by: readonly string[] = [], over = '5m'): string {
  return `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (rate(${of}[${over}]))`;
}

/** Sum of what a counter gained over a while. */
export function increaseOf(of: string, over: string, by: readonly string[] = []): string {
  return `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (increase(${of}[${over}]))`;
}

/** `share` of the values are below; 0.95 for the 95th percentile. */
export function quantileOf(share: number, of: string, by: readonly string[] = [], over = '5m'): string {
  return `histogram_quantile(${share}, ${rateOf(of, ['le', ...by], over)})`;
}

/** A sum that is 0 where nothing of its kind has ever happened: a share of nothing is nothing, and not unknown. */
export function orNone(sum: string): string {
  return `(${sum} or vector(0))`;
}
