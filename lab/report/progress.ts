/**
 * A run, live: a bar with decisions per second, mean quality and cost, and each model's share. Redraws in place on a
 * terminal; elsewhere it prints a plain line every few seconds.
 */
import type { Clock } from '../../lib/ports/clock';
import { wrapText } from '../../lib/terminal/wrap-text';

export interface ProgressOptions {
  readonly write: (text: string) => void;
  readonly clock: Clock;
  /** Whether `write` goes to a terminal; plain lines otherwise. */
  readonly isTerminal: boolean;
  /** Width to write for; what does not fit is left out rather than cut. */
  readonly columns: number;
  readonly total: number;
  /** Empty where nothing is being chosen. */
  readonly models: readonly string[];
  /** What stands behind count and rate; by default the mean quality and cost of the state. */
  readonly figures?: (state: ProgressState) => string;
}

export interface ProgressState {
  readonly done: number;
  /** Null before the first outcome. */
  readonly meanQuality: number | null;
  /** Null: unknown. */
  readonly costUsdPer1000: number | null;
  /** Decisions per model, in the order of `models`. */
  readonly counts: readonly number[];
  /** Something to be said beside the figures. */
  readonly note?: string | null;
}

export interface Progress {
  /** Call as often as you like; it draws only when it is time. */
  update(state: ProgressState): void;
  /** Draws the last state once more and ends the line. */
  finish(): void;
}

const redrawMs = 200;
const plainLineMs = 3_000;
const rateWindowMs = 1_000;
const barWidth = 30;
const leastBarWidth = 8;
const shareBarWidth = 20;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function startProgress(options: ProgressOptions): Progress {
  const { write, clock, isTerminal, columns } = options;
  const everyMs = isTerminal ? redrawMs : plainLineMs;
  const rate = rateMeter(clock.monotonicMs());
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  let drawnDone = -1;
  let drawnLines = 0;
  let last: ProgressState | null = null;

  const draw = (state: ProgressState, perSecond: number): void => {
    drawnDone = state.done;
    if (!isTerminal) {
      write(`${plainLine(state, perSecond, options)}\n`);
      return;
    }
    const lines = [...headLines(state, perSecond, options), ...shareLines(state, options.models, columns)];
    const up = drawnLines > 0 ? `\u001b[${drawnLines}A` : '';
    // A note that is over leaves its line empty: the block must not shrink while it is drawn over itself.
    while (lines.length < drawnLines) lines.push('');
    write(`${up}${lines.map((line) => `\r\u001b[2K${line}\n`).join('')}`);
    drawnLines = lines.length;
  };
  return {
    update(state) {
      last = state;
      const nowMs = clock.monotonicMs();
      const perSecond = rate(nowMs, state.done);
      if (nowMs - drawnAtMs < everyMs) return;
      drawnAtMs = nowMs;
      draw(state, perSecond);
    },
    finish() {
      if (last !== null && (isTerminal || last.done !== drawnDone)) draw(last, rate(clock.monotonicMs(), last.done));
    },
  };
}

/** Decisions per second over the last whole window; before the first window is over, since the start. */
function rateMeter(startMs: number): (nowMs: number, done: number) => number {
  let windowStartMs = startMs;
  let windowDone = 0;
  let lastRate: number | null = null;
  return (nowMs, done) => {
    const elapsedMs = nowMs - windowStartMs;
    const current = elapsedMs > 0 ? (1_000 * (done - windowDone)) / elapsedMs : 0;
    if (elapsedMs >= rateWindowMs) {
      lastRate = current;
      windowStartMs = nowMs;
      windowDone = done;
    }
    return lastRate ?? current;
  };
}

function headLines(state: ProgressState, perSecond: number, options: ProgressOptions): string[] {
  const share = options.total > 0 ? Math.min(1, state.done / options.total) : 1;
  const text = fitting(figures(state, perSecond, options), options.columns);
  const width = Math.min(barWidth, options.columns - text.length - 4);
  const filled = Math.round(share * width);
  const head = width < leastBarWidth ? text : `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}]${gap}${text}`;
  return state.note ? [head, ...wrapText(state.note, options.columns)] : [head];
}

function plainLine(state: ProgressState, perSecond: number, options: ProgressOptions): string {
  const total = sumOf(state.counts);
  const shares = options.models
    .map((model, m) => ({ model, share: total > 0 ? (state.counts[m] ?? 0) / total : 0 }))
    .filter(({ share }) => share >= 0.005)
    .sort((a, b) => b.share - a.share)
    .map(({ model, share }) => `${model} ${Math.round(100 * share)} %`);
  const note = state.note ? [state.note] : [];
  return fitting([...figures(state, perSecond, options), ...note, ...shares], options.columns);
}

const gap = '  ';

/** As many of the parts as fit on a line, the first one always. */
function fitting(parts: readonly string[], columns: number): string {
  let line = parts[0]!;
  for (const part of parts.slice(1)) {
    if (line.length + gap.length + part.length > columns) break;
    line += gap + part;
  }
  return line;
}

function figures(state: ProgressState, perSecond: number, options: ProgressOptions): string[] {
  const head = [`${thousands(state.done)}/${thousands(options.total)}`, `${thousands(Math.round(perSecond))}/s`];
  if (options.figures) return [...head, options.figures(state)];
  const quality = state.meanQuality === null ? 'quality –' : `quality ${state.meanQuality.toFixed(3)}`;
  const cost = state.costUsdPer1000 === null ? 'cost unknown' : `$${state.costUsdPer1000.toFixed(2)} per 1,000`;
  return [...head, quality, cost];
}

/** Names that are too long for the line end in an ellipsis; the bar gives way first. */
function shareLines(state: ProgressState, models: readonly string[], columns: number): string[] {
  const percentWidth = 5;
  const most = columns - percentWidth - 2 * gap.length;
  const names = models.map((model) => (model.length > most ? `${model.slice(0, most - 1)}…` : model));
  const width = Math.max(...names.map((name) => name.length));
  const total = sumOf(state.counts);
  const hasBar = gap.length + width + gap.length + percentWidth + gap.length + shareBarWidth <= columns;
  return names.map((name, m) => {
    const share = total > 0 ? (state.counts[m] ?? 0) / total : 0;
    const percent = `${Math.round(100 * share)} %`.padStart(percentWidth);
    return `${gap}${name.padEnd(width)}${gap}${percent}${hasBar ? gap + bar(share) : ''}`;
  });
}

function bar(share: number): string {
  const steps = Math.round(share * shareBarWidth * 8);
  return '█'.repeat(Math.floor(steps / 8)) + eighths[steps % 8]!;
}

function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
