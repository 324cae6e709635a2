/** How far something is, on one line: what is done, how fast, and whatever else is known, most important first. */
import type { Clock } from '../../lib/ports/clock';
import { cutText, widthOf } from '../../lib/terminal/fit-text';
import type { StatusLine } from '../../lib/terminal/status-line';

export interface ProgressOptions {
  readonly line: StatusLine;
  readonly clock: Clock;
  /** Null: decisions without an end. */
  readonly total: number | null;
}

export interface ProgressState {
  readonly done: number;
  /** What stands behind count and rate; what does not fit is left out from the end. */
  readonly figures?: readonly string[];
  /** How often each model was chosen; the three of the most are named. */
  readonly counts?: ReadonlyMap<string, number>;
}

export interface Progress {
  /** Call as often as you like. */
  update(state: ProgressState): void;
  /** Shows the last state and ends the line. */
  finish(): void;
}

const rateWindowMs = 1_000;
const shownModels = 3;
const leastNameWidth = 4;
const wideGap = '  ';
const narrowGap = ' ';
const between = ' ';

/** Where there is no terminal a line is worth its place only now and then. */
export const plainEveryMs = 5_000;

export function startProgress({ line, clock, total }: ProgressOptions): Progress {
  let rate = total === null ? null : rateMeter(clock.monotonicMs(), 0);
  return {
    update(state) {
      // What has no end had no beginning either: only what comes from now on has a speed.
      rate ??= rateMeter(clock.monotonicMs(), state.done);
      const perSecond = rate(clock.monotonicMs(), state.done);
      line.show((columns) => progressText(state, perSecond, total, columns));
    },
    finish: () => line.finish(),
  };
}

/** Steps per second over the last whole window; before the first window is over, since the start. */
function rateMeter(startMs: number, startDone: number): (nowMs: number, done: number) => number {
  let windowStartMs = startMs;
  let windowDone = startDone;
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

/** One line of at most `columns`. Gaps get narrower, then names shorter, then figures are left out from the end. */
function progressText(state: ProgressState, perSecond: number, total: number | null, columns: number): string {
  const { done, figures = [], counts } = state;
  const count = total === null ? `${thousands(done)} decided` : `${thousands(done)}/${thousands(total)}`;
  const parts = [count, `${thousands(Math.round(perSecond))}/s`, ...figures];
  const top = topModels(counts);
  const gap =
    widthOf([...parts, modelsText(top, Number.POSITIVE_INFINITY)].join(wideGap)) <= columns ? wideGap : narrowGap;
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : line + gap + part;
    if (widthOf(longer) > columns) return line === '' ? cutText(part, columns) : line;
    line = longer;
  }
  const models = modelsText(top, columns - widthOf(line) - gap.length);
  return models === '' ? line : line + gap + models;
}

interface Share {
  readonly model: string;
  readonly percent: string;
}

function topModels(counts: ReadonlyMap<string, number> = new Map()): Share[] {
  const sum = [...counts.values()].reduce((all, count) => all + count, 0);
  return [...counts]
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, shownModels)
    .map(([model, count]) => ({ model, percent: String(Math.round((100 * count) / sum)) }));
}

/** `fern 61 chalk 25 pine 9 %`, with names as long as fit; fewer models where names would say nothing, none where nothing fits. */
function modelsText(top: readonly Share[], columns: number): string {
  if (top.length === 0) return '';
  const longest = Math.max(...top.map(({ model }) => widthOf(model)));
  const figures = top.reduce((sum, { percent }) => sum + narrowGap.length + percent.length, 0);
  const room = columns - figures - between.length * (top.length - 1) - ' %'.length;
  const width = Math.min(longest, widestWithin(top, room));
  if (width < Math.min(longest, leastNameWidth)) return modelsText(top.slice(0, -1), columns);
  // Names of one maker begin alike: where that is all that is left of them, their ends say more.
  const starts = new Set(top.map(({ model }) => cutText(model, width)));
  const keep = starts.size < top.length ? 'end' : 'start';
  return `${top.map(({ model, percent }) => `${cutText(model, width, keep)}${narrowGap}${percent}`).join(between)} %`;
}

/** The width that all names may have together within so many columns: short ones leave theirs to others. */
function widestWithin(top: readonly Share[], room: number): number {
  if (room === Number.POSITIVE_INFINITY) return room;
  const widths = top.map(({ model }) => widthOf(model));
  let width = 0;
  while (width < Math.max(...widths) && widths.reduce((sum, own) => sum + Math.min(own, width + 1), 0) <= room) width++;
  return width;
}

function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A figure of three digits behind the point, or fewer: `.612`, `-.04`, `12.3`. */
export function shortFigure(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 3 : 1).replace(/^(-?)0\./, '$1.');
}
