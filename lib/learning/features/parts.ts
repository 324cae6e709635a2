/** The parts of what a policy sees of a request, as columns of X, for whoever asks which of them it goes by. */
import { type Basis, componentCount } from './basis';
import { contextGroups } from './context';
import { handSize } from './encode';
import { taskSlots } from './task-slot';

/** `vector`: the caller's own, instead of `wording` and `shape`. The circumstances go by the groups of `context.ts`. */
export type FeaturePartName = 'wording' | 'shape' | 'vector' | 'task' | keyof typeof contextGroups;

export interface FeaturePart {
  readonly name: FeaturePartName;
  /** Positions in X. All of X is centred: a request that has 0 there is, in this respect, the mean of all requests. */
  readonly columns: readonly number[];
}

/** In the order of X; circumstances that have never differed between requests are none. */
export function partsOf({ kind, xSize, contextColumns }: Basis): FeaturePart[] {
  const requestSize = xSize - contextColumns.length;
  const described = requestSize - taskSlots;
  const parts: FeaturePart[] =
    kind === 'text'
      ? [
          { name: 'wording', columns: range(0, componentCount) },
          { name: 'shape', columns: range(componentCount, componentCount + handSize) },
        ]
      : [{ name: 'vector', columns: range(0, described) }];
  parts.push({ name: 'task', columns: range(described, requestSize) });
  // The first value of a context is the version of its list.
  let first = 1;
  for (const [name, columns] of Object.entries(contextGroups)) {
    const end = first + columns.length;
    const used = range(0, contextColumns.length).filter((i) => contextColumns[i]! >= first && contextColumns[i]! < end);
    if (used.length > 0) parts.push({ name: name as FeaturePartName, columns: used.map((i) => requestSize + i) });
    first = end;
  }
  return parts;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
