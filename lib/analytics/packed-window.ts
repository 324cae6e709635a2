/**
 * A row of the table as a gateway keeps it for questions: every figure of a dimension is a run of numbers, so a question reads
 * the figures that it asks about and nothing else. Figures that are 0 in all cells of a dimension take no room: calls know
 * nothing of rewards, and decisions nothing of tasks. A row of this engine has at most 546 cells (`dimensionLimits`, and one
 * `other` each) of 18 figures, 80 kB, and 34 sketches of 692 counts, 94 kB.
 */
import type { AnalyticsCell, AnalyticsWindow } from '../topics/generated/messages';
import type { CellNames } from './cell-names';
import { entriesOf } from './keyed-list';
import { type PackedSketches, packSketches } from './sketch';
import { cellKey, type Dimension, dimensions, type Figure, noCell } from './window';

/** In the order of the schema, which is that of `noCell`. */
const figures = Object.keys(noCell) as readonly Figure[];

export interface PackedWindow {
  /** Numbers of the cells, those of a dimension side by side in the order of the row. */
  readonly cells: Uint32Array;
  /** Where the cells of each dimension begin, and where the last ones end; then where the sums of each of its figures begin, -1 where all are 0. */
  readonly places: Int32Array;
  readonly sums: Float64Array;
  /** Times to decide first; then latencies, each with the number of its model's cell. */
  readonly sketches: PackedSketches;
  readonly models: Uint32Array;
}

/** Where the cells of a dimension lie, as [begin, end). */
export function cellsOf({ places }: PackedWindow, dimension: Dimension): readonly [number, number] {
  const place = dimensions.indexOf(dimension);
  return [places[place]!, places[place + 1]!];
}

/** Where the sums of a figure begin, in the order of the cells; -1 where all of them are 0. */
export function sumsOf({ places }: PackedWindow, dimension: Dimension, figure: Figure): number {
  return places[placeOfSums(dimensions.indexOf(dimension), figures.indexOf(figure))]!;
}

function placeOfSums(dimension: number, figure: number): number {
  return dimensions.length + 1 + dimension * figures.length + figure;
}

/** Cells of dimensions that nobody knows can never be asked about, and are left out. */
export function packWindow(row: AnalyticsWindow, names: CellNames): PackedWindow {
  const { keys, values } = row.cells;
  const count = Math.min(keys.length, values.length);
  const numbers = new Uint32Array(count);
  const counts = new Uint32Array(dimensions.length);
  for (let i = 0; i < count; i++) {
    numbers[i] = names.take(keys[i]!);
    const dimension = names.dimension(numbers[i]!);
    if (dimension === -1) names.giveBack(numbers[i]!);
    else counts[dimension]!++;
  }
  const places = new Int32Array(placeOfSums(dimensions.length, 0)).fill(-1);
  let end = 0;
  for (let dimension = 0; dimension <= dimensions.length; dimension++) {
    places[dimension] = end;
    end += counts[dimension] ?? 0;
  }
  const cells = new Uint32Array(end);
  const figuresOfCells = scratch(end * figures.length);
  const next = places.slice(0, dimensions.length);
  for (let i = 0; i < count; i++) {
    const dimension = names.dimension(numbers[i]!);
    if (dimension === -1) continue;
    const place = next[dimension]!++;
    cells[place] = numbers[i]!;
    writeFigures(figuresOfCells, place * figures.length, values[i]!);
  }
  const latencies = [...entriesOf(row.latencyMs)];
  return {
    cells,
    places,
    sums: packSums(figuresOfCells, places),
    sketches: packSketches([row.decisionMs, ...latencies.map(([, sketch]) => sketch)]),
    models: Uint32Array.from(latencies, ([model]) => names.take(cellKey('model', model))),
  };
}

/** Where rows are laid out on their way: a list of its own for each would cost more than all that is done with it. */
let laidOut = new Float64Array(0);

function scratch(length: number): Float64Array {
  if (laidOut.length < length) laidOut = new Float64Array(length);
  return laidOut;
}

/** The figures of cells, cell by cell, as runs of each figure of each dimension; where each begins goes into `places`. */
function packSums(ofCells: Float64Array, places: Int32Array): Float64Array {
  let length = 0;
  for (let dimension = 0; dimension < dimensions.length; dimension++) {
    const begin = places[dimension]!;
    const end = places[dimension + 1]!;
    for (let figure = 0; figure < figures.length; figure++) {
      let cell = begin;
      while (cell < end && ofCells[cell * figures.length + figure] === 0) cell++;
      if (cell === end) continue;
      places[placeOfSums(dimension, figure)] = length;
      length += end - begin;
    }
  }
  const sums = new Float64Array(length);
  for (let dimension = 0; dimension < dimensions.length; dimension++) {
    const begin = places[dimension]!;
    const end = places[dimension + 1]!;
    for (let figure = 0; figure < figures.length; figure++) {
      const first = places[placeOfSums(dimension, figure)]!;
      if (first === -1) continue;
      for (let cell = begin; cell < end; cell++) sums[first + cell - begin] = ofCells[cell * figures.length + figure]!;
    }
  }
  return sums;
}

/** In the order of `figures`; written out, since a loop over names costs many times as much. */
function writeFigures(into: Float64Array, at: number, cell: AnalyticsCell): void {
  into[at] = cell.decisions;
  into[at + 1] = cell.degraded;
  into[at + 2] = cell.cacheHits;
  into[at + 3] = cell.floored;
  into[at + 4] = cell.expectedCostUsd;
  into[at + 5] = cell.decisionMs;
  into[at + 6] = cell.calls;
  into[at + 7] = cell.errors;
  into[at + 8] = cell.costed;
  into[at + 9] = cell.costUsd;
  into[at + 10] = cell.timed;
  into[at + 11] = cell.latencyMs;
  into[at + 12] = cell.inputTokens;
  into[at + 13] = cell.outputTokens;
  into[at + 14] = cell.judged;
  into[at + 15] = cell.quality;
  into[at + 16] = cell.utility;
  into[at + 17] = cell.late;
}

/** A row that is no longer kept gives back the numbers it had. */
export function releaseWindow({ cells, models }: PackedWindow, names: CellNames): void {
  for (const number of cells) names.giveBack(number);
  for (const number of models) names.giveBack(number);
}
