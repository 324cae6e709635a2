/** Metrics in memory, in the Prometheus text format on request. Each instance has a registry of its own, so tests and several engines in one process do not mix. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricDefinition,
  metricDefinitions,
} from './metric-names';

/** An addition to a counter as a value, for whoever decides on it and does not count. */
export type Count = {
  [N in CounterName]: { readonly name: N; readonly labels: LabelsOf<N>; readonly by?: number };
}[CounterName];

export interface Metrics {
  /** Adds to a counter. */
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** What somebody else has decided to count. */
  add(count: Count): void;
  /** Adds one value to a histogram, in the unit the name ends with. */
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Sets a gauge. */
  set<N extends GaugeName>(name: N, labels: LabelsOf<N>, value: number): void;
  /** A counter with its labels bound once, for hot paths. */
  counter<N extends CounterName>(name: N, labels: LabelsOf<N>): (by?: number) => void;
  /** A histogram with its labels bound once, for hot paths. */
  histogram<N extends HistogramName>(name: N, labels: LabelsOf<N>): (value: number) => void;
  /** A gauge with its labels bound once, for hot paths. */
  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>): (value: number) => void;
  /** Called before every `text()`, for values that are cheaper to read than to keep (event-loop delay, say). */
  onCollect(collect: () => void): void;
  /** Current value of one counter or gauge; 0 where nothing was counted. For status pages and tests. */
  value<N extends CounterName | GaugeName>(name: N, labels: LabelsOf<N>): Promise<number>;
  /** Every labelled value of one counter or gauge as it was last set; nothing is collected for it. */
  readings<N extends CounterName | GaugeName>(
    name: N,
  ): Promise<readonly { readonly labels: Partial<LabelsOf<N>>; readonly value: number }[]>;
  /** Everything in the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const collectors: (() => void)[] = [];
  // The library hashes the labels at every call; bound children keep a plain number and hand it over when it is read.
  const flushes: (() => void)[] = [];
  const flush = (): void => {
    for (const flushOne of flushes) flushOne();
  };
  for (const [name, definition] of Object.entries<MetricDefinition>(metricDefinitions)) {
    const options = { name, help: definition.doc, labelNames: [...definition.labels], registers: [registry] };
    if (definition.type === 'counter') counters.set(name, new Counter(options));
    else if (definition.type === 'gauge') {
      const gauge = new Gauge(options);
      // The library would begin at 0, which is a claim: a process without Redis would say that Redis is away.
      if (definition.labels.length === 0) gauge.remove();
      gauges.set(name, gauge);
    } else histograms.set(name, new Histogram({ ...options, buckets: [...(definition.buckets ?? [])] }));
  }
  return {
    count(name, labels, by = 1) {
      counters.get(name)!.inc(labels as Record<string, string>, by);
    },
    add({ name, labels, by = 1 }) {
      counters.get(name)!.inc(labels, by);
    },
    observe(name, labels, value) {
      histograms.get(name)!.observe(labels as Record<string, string>, value);
    },
    set(name, labels, value) {
      gauges.get(name)!.set(labels as Record<string, string>, value);
    },
    counter(name, labels) {
      const counter = counters.get(name)!;
      let since = 0;
      flushes.push(() => {
        if (since > 0) counter.inc(labels as Record<string, string>, since);
        since = 0;
      });
      return (by = 1) => {
        since += by;
      };
    },
    histogram(name, labels) {
      const child = histograms.get(name)!.labels(labels as Record<string, string>);
      return (value) => child.observe(value);
    },
    gauge(name, labels) {
      const gauge = gauges.get(name)!;
      let last: number | null = null;
      flushes.push(() => {
        if (last !== null) gauge.set(labels as Record<string, string>, last);
      });
      return (value) => {
        last = value;
      };
    },
    onCollect(collect) {
      collectors.push(collect);
    },
    async value(name, labels) {
      flush();
      const metric = counters.get(name) ?? gauges.get(name)!;
      const wanted = Object.entries<string>(labels);
      const { values } = await metric.get();
      return values.find((entry) => wanted.every(([label, value]) => entry.labels[label] === value))?.value ?? 0;
    },
    async readings(name) {
      flush();
      const { values } = await (counters.get(name) ?? gauges.get(name)!).get();
      return values.map(({ labels, value }) => ({ labels: labels as Partial<LabelsOf<typeof name>>, value }));
    },
    async text() {
      for (const collect of collectors) collect();
      flush();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
