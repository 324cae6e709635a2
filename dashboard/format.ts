/** Figures as people read them. */
export const none = '–';

export function number(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? none
    : value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined ? none : `${number(100 * share, digits)} %`;
}

/** Small amounts have as many digits as they need to be told apart. */
export function usd(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  if (value === 0) return '$0';
  const sign = value < 0 ? '−' : '';
  const amount = Math.abs(value);
  if (amount >= 100) return `${sign}$${number(amount)}`;
  if (amount >= 1) return `${sign}$${number(amount, 2)}`;
  // Of the amount as it is shown: what rounds up to the next power of ten has a digit less.
  const digits = Math.min(8, 1 - Math.floor(Math.log10(Number(amount.toPrecision(2)))));
  return `${sign}$${amount.toFixed(digits)}`;
}

export function ms(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  if (value >= 10_000) return `${number(value / 1_000, 1)} s`;
  // Times of decisions are whole milliseconds: nothing took no time.
  if (value === 0) return '< 1 ms';
  // What would round to nothing is said in the smaller unit.
  if (value > 0 && value < 1) return `${number(Math.max(1, 1_000 * value))} µs`;
  return value >= 10 ? `${number(value)} ms` : `${number(value, 1)} ms`;
}

/** A time that somebody has set, such as a window: 300000 as "5 min". */
export function duration(lengthMs: number): string {
  for (const [unitMs, unit] of durationUnits)
    if (lengthMs >= 2 * unitMs || lengthMs === unitMs)
      return `${number(lengthMs / unitMs, lengthMs % unitMs === 0 ? 0 : 1)} ${unit}`;
  return `${number(lengthMs)} ms`;
}

const durationUnits = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

export function bytes(count: number): string {
  return count >= 1e9 ? `${number(count / 1e9, 1)} GB` : `${number(count / 1e6, 1)} MB`;
}

export function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB');
}

export function dateTime(atMs: number): string {
  const at = new Date(atMs);
  return `${at.toLocaleDateString('en-CA')} ${at.toLocaleTimeString('en-GB')}`;
}

export function short(hash: string | null | undefined): string {
  return hash ? hash.slice(0, 10) : none;
}

/** minDecisions as "min decisions". */
export function wordsOfName(name: string): string {
  return words(name.replace(/[A-Z]/g, (capital) => `_${capital}`));
}

/** LEARNING_OPTIMIZED as "learning optimized". */
export function words(constant: string): string {
  return constant.toLowerCase().replaceAll('_', ' ');
}

const minuteMs = 60_000;

/**
 * The minutes from the first of those given up to now: the gateway has none for a minute in which nothing happened. One that has
 * just begun is none yet.
 */
export function everyMinute(given: readonly number[], nowMs: number): number[] {
  if (given.length === 0) return [];
  const last = Math.max(...given, Math.floor(nowMs / minuteMs) * minuteMs - minuteMs);
  const minutes: number[] = [];
  for (let at = Math.min(...given); at <= last; at += minuteMs) minutes.push(at);
  return minutes;
}
