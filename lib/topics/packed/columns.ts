/**
 * Columns of numbers as bytes. A column that says what another one says is there once, and of a column that has one number
 * alone that number: what was never observed, or is as it was declared, takes no room.
 */
import { maxModels } from '../../config/router-config';
import { zeros } from '../../doubles';
import { type Room, viewOf } from './room';

export interface PackedColumns {
  /** Columns of float64, little-endian, one behind the other; behind them numbers of columns that have one alone. */
  readonly numbers: Buffer;
  /** A byte a column: below 128 its place among the columns, from 128 on its place among the single numbers, 255: it is empty. */
  readonly places: Buffer;
}

const firstSingle = 128;
const empty = 255;
/** So many columns can be told apart. */
export const mostColumns = 100;
/** Longer ones are not packed: a column of one number takes no room, so what is claimed of its length has to be bounded. */
export const mostRows = maxModels;
const numberBytes = Float64Array.BYTES_PER_ELEMENT;

/** Collects columns of one length. What it returns is good until the room is cleared. */
export class ColumnPacker {
  // Places in the room.
  private readonly numbersAt: number;
  private readonly singlesAt: number;
  private readonly placesAt: number;
  private columns = 0;
  private kept = 0;
  private singles = 0;

  constructor(
    private readonly length: number,
    columns: number,
    private readonly room: Room,
  ) {
    this.numbersAt = room.takeNumbers((length + 1) * columns);
    this.singlesAt = room.takeNumbers(columns);
    this.placesAt = room.takeBytes(columns);
  }

  addEmpty(): void {
    this.room.bytes[this.placesAt + this.columns++] = empty;
  }

  /** Adds what lies from `from` on. False where something in it is no number; then the packer is of no more use. */
  add(column: ArrayLike<number>, from = 0): boolean {
    const { length } = this;
    const { bytes, numbers } = this.room;
    const start = this.numbersAt + this.kept * length;
    const first = column[from];
    let isSingle = true;
    for (let i = 0; i < length; i++) {
      const number = column[from + i];
      if (typeof number !== 'number') return false;
      numbers[start + i] = number;
      isSingle &&= Object.is(number, first);
    }
    bytes[this.placesAt + this.columns++] = isSingle ? this.single(first!) : this.place(start);
    return true;
  }

  done(): PackedColumns {
    const { room, numbersAt, singlesAt, singles } = this;
    const kept = this.kept * this.length;
    room.numbers.copyWithin(numbersAt + kept, singlesAt, singlesAt + singles);
    const places = room.bytes.subarray(this.placesAt, this.placesAt + this.columns);
    return { numbers: room.bytesOfNumbers(numbersAt, kept + singles), places };
  }

  private single(number: number): number {
    const { numbers } = this.room;
    let single = 0;
    while (single < this.singles && !Object.is(numbers[this.singlesAt + single], number)) single++;
    if (single === this.singles) numbers[this.singlesAt + this.singles++] = number;
    return firstSingle + single;
  }

  /** Keeps the column at `start`, unless one before says the same. */
  private place(start: number): number {
    for (let place = 0; place < this.kept; place++)
      if (this.isSame(this.numbersAt + place * this.length, start)) return place;
    return this.kept++;
  }

  /** To the last bit: 0 and -0 are two numbers here. */
  private isSame(a: number, b: number): boolean {
    const { length } = this;
    const { numbers } = this.room;
    for (let i = 0; i < length; i++) if (!Object.is(numbers[a + i], numbers[b + i])) return false;
    return true;
  }
}

/** The numbers of columns that were packed. */
export class ColumnReader {
  private readonly view: DataView;
  private readonly places: Buffer;
  /** Of each column: where its first number is, and how far the next one is from it. */
  private readonly starts: number[] = [];
  private readonly steps: number[] = [];
  private readonly lists: number[][] = [];

  /** Throws when the bytes do not fit together. */
  constructor(
    { numbers, places }: PackedColumns,
    private readonly length: number,
  ) {
    if (!(length <= mostRows && places.length <= mostColumns))
      throw new Error(`${places.length} columns of ${length} numbers are too many`);
    const total = numbers.length / numberBytes;
    let kept = 0;
    let singles = 0;
    for (const place of places) {
      if (place < firstSingle) kept = Math.max(kept, place + 1);
      else if (place !== empty) singles = Math.max(singles, place - firstSingle + 1);
    }
    if (total !== kept * length + singles)
      throw new Error(`${numbers.length} bytes are not ${kept} columns of ${length} numbers and ${singles} more`);
    this.view = viewOf(numbers);
    this.places = places;
    for (const place of places) {
      this.starts.push(place < firstSingle ? place * length : kept * length + place - firstSingle);
      this.steps.push(place < firstSingle ? 1 : 0);
    }
  }

  isEmpty(column: number): boolean {
    return this.places[column] === empty;
  }

  /** Of a column that is not empty. */
  number(column: number, row: number): number {
    return this.view.getFloat64((this.starts[column]! + this.steps[column]! * row) * numberBytes, true);
  }

  /** Of columns that say the same it is the same list. */
  list(column: number): number[] {
    if (this.isEmpty(column)) return [];
    const same = this.places.indexOf(this.places[column]!);
    if (this.lists[same]) return this.lists[same];
    const list = zeros(this.length);
    for (let row = 0; row < list.length; row++) list[row] = this.number(column, row);
    this.lists[same] = list;
    return list;
  }
}
