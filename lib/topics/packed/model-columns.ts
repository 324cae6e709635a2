/** Numbers by the name of a model, as a column in the order of the candidates. */
import { dictionaryOf } from '../../dictionary';

type ByModel = Readonly<Record<string, number>>;

export interface ModelColumn {
  /** 0 where the table has no number. */
  readonly numbers: Float64Array;
  /** 1 where the table has a number. */
  readonly isThere: Uint8Array;
  /** Numbers of models that are no candidates. */
  readonly others: Record<string, number>;
}

/** Requests share their tables until the learner speaks again, and nobody changes one. */
const columns = new WeakMap<ByModel, ModelColumn & { readonly models: readonly string[] }>();

/** Null where the table holds something else than numbers. */
export function columnOf(table: ByModel, models: readonly string[]): ModelColumn | null {
  const known = columns.get(table);
  if (known?.models === models) return known;
  const places = new Map(models.map((model, i) => [model, i]));
  // Of two candidates with one name both have its number.
  if (places.size !== models.length) return null;
  const numbers = new Float64Array(models.length);
  const isThere = new Uint8Array(models.length);
  const others = dictionaryOf<string, number>();
  for (const [name, number] of Object.entries(table)) {
    if (typeof number !== 'number') return null;
    const place = places.get(name);
    if (place === undefined) others[name] = number;
    else {
      numbers[place] = number;
      isThere[place] = 1;
    }
  }
  const column = { models, numbers, isThere, others };
  columns.set(table, column);
  return column;
}

/** Makes tables of columns again: the same table as long as the column says the same. `flag` is set where a number is. */
export function createTableReader() {
  let last: { readonly models: readonly string[]; readonly table: Record<string, number>; size: number } | null = null;
  return (
    models: readonly string[],
    numberOf: (place: number) => number,
    flags: Buffer,
    flag: number,
  ): Record<string, number> => {
    if (last?.models === models && saysTheSame(last, numberOf, flags, flag)) return last.table;
    const table = dictionaryOf<string, number>();
    let size = 0;
    for (let i = 0; i < models.length; i++) {
      if ((flags[i]! & flag) === 0) continue;
      const name = models[i]!;
      table[name] = numberOf(i);
      size++;
    }
    last = { models, table, size };
    return table;
  };
}

function saysTheSame(
  { models, table, size }: { readonly models: readonly string[]; readonly table: Record<string, number>; size: number },
  numberOf: (place: number) => number,
  flags: Buffer,
  flag: number,
): boolean {
  let there = 0;
  for (let i = 0; i < models.length; i++) {
    if ((flags[i]! & flag) === 0) continue;
    const name = models[i]!;
    if (!Object.is(table[name], numberOf(i))) return false;
    there++;
  }
  return there === size;
}
