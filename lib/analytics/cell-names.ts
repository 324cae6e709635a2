/** Cells by number: a key that many rows have is kept once, for as long as some row has it. */
import { dimensionOf, dimensions } from './window';

export interface CellNames {
  /** The number of a cell, by its key; the row that takes it has it until it gives it back. */
  take(key: string): number;
  giveBack(number: number): void;
  /** Place of its dimension among `dimensions`; -1 where it is of none. */
  dimension(number: number): number;
  /** The keys by number as they are now; numbers given back later may stand for others then. */
  keys(): readonly string[];
}

const placeOfDimension = new Map<string, number>(dimensions.map((dimension, place) => [dimension, place] as const));

export function createCellNames(): CellNames {
  const numbers = new Map<string, number>();
  const keys: string[] = [];
  const ofDimension: number[] = [];
  /** How many rows have each. */
  const uses: number[] = [];
  const free: number[] = [];
  return {
    take(key) {
      const known = numbers.get(key);
      if (known !== undefined) {
        uses[known]!++;
        return known;
      }
      const number = free.pop() ?? keys.length;
      keys[number] = key;
      ofDimension[number] = placeOfDimension.get(dimensionOf(key)) ?? -1;
      uses[number] = 1;
      numbers.set(key, number);
      return number;
    },
    giveBack(number) {
      uses[number]!--;
      if (uses[number] !== 0) return;
      numbers.delete(keys[number]!);
      keys[number] = '';
      free.push(number);
    },
    dimension: (number) => ofDimension[number]!,
    keys: () => keys.slice(),
  };
}
