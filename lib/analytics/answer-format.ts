/** How rows of an answer are written: as JSON, or as comma-separated values. */
import { isoText } from '../topics/calendar-time';
import { type Breakdown, dimensionsOf, type MetricName } from './metrics';

export interface AnswerFormat {
  /** What a row begins with, the beginning of its step in milliseconds since the epoch. */
  readonly startOf: (startMs: number) => string;
  /** The value of each dimension of the breakdown. */
  readonly of: (values: readonly (readonly [name: string, value: string])[]) => string;
  /** What stands before the value of a metric. */
  readonly headOf: (metric: MetricName, place: number) => string;
  /** Stands where nothing is known, and for what is no number in JSON. */
  readonly unknown: string;
  readonly end: string;
  readonly between: string;
}

/** A row is `{ startMs, of, values }`: `of` by dimension, `values` by metric. */
export const jsonFormat: AnswerFormat = {
  startOf: (startMs) => `{"startMs":${startMs}`,
  of: (values) =>
    `,"of":{${values.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}},"values":{`,
  headOf: (metric, place) => `${place === 0 ? '' : ','}${JSON.stringify(metric)}:`,
  unknown: 'null',
  end: '}}',
  between: ',',
};

/** RFC 4180; times in ISO 8601. `csvHeadings` come before the rows. */
export const csvFormat: AnswerFormat = {
  startOf: isoText,
  of: (values) => values.map(([, value]) => `,${quoted(value)}`).join(''),
  headOf: () => ',',
  unknown: '',
  end: '\r\n',
  between: '',
};

export function csvHeadings(by: Breakdown, metrics: readonly MetricName[]): string {
  return `${['start', ...dimensionsOf(by).names, ...metrics].join(',')}\r\n`;
}

/** A text that a spreadsheet would take for a formula gets an apostrophe in front: names come from outside. */
function quoted(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
