/** Where two records say different things, by the path of the field. Exact: a recomputation is the same or it is not. */
export interface Difference {
  /** Such as `candidates.2.propensity`. */
  readonly field: string;
  readonly recorded: unknown;
  readonly recomputed: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** Enough to see what is wrong with one record. */
const maxDifferences = 20;

/** At most 20; fields named in `excluded` (top level only) are not compared. */
export function differencesOf(recorded: object, recomputed: object, excluded: ReadonlySet<string>): Difference[] {
  const found: Difference[] = [];
  if (isSameBut(recorded, recomputed, excluded)) return found;
  for (const key of keysOf(recorded, recomputed)) {
    if (!excluded.has(key)) collect(fieldOf(recorded, key), fieldOf(recomputed, key), key, found);
  }
  return found;
}

/** The usual case, fast: no paths, no sets. */
function isSameBut(a: object, b: object, excluded: ReadonlySet<string>): boolean {
  for (const key of Object.keys(a)) {
    if (!excluded.has(key) && !isSame((a as Fields)[key], (b as Fields)[key])) return false;
  }
  for (const key of Object.keys(b)) if (!excluded.has(key) && !Object.hasOwn(a, key)) return false;
  return true;
}

function isSame(a: unknown, b: unknown): boolean {
  if (!isComposite(a) || !isComposite(b)) return Object.is(a, b);
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
    return true;
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (!isSame((a as Fields)[key], (b as Fields)[key])) return false;
  return true;
}

function collect(recorded: unknown, recomputed: unknown, field: string, found: Difference[]): void {
  if (isSame(recorded, recomputed) || found.length >= maxDifferences) return;
  if (!isComposite(recorded) || !isComposite(recomputed)) {
    found.push({ field, recorded, recomputed });
    return;
  }
  for (const key of keysOf(recorded, recomputed)) {
    collect(fieldOf(recorded, key), fieldOf(recomputed, key), `${field}.${key}`, found);
  }
}

function isComposite(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function keysOf(a: object, b: object): ReadonlySet<string> {
  return new Set([...Object.keys(a), ...Object.keys(b)]);
}

function fieldOf(of: object, key: string): unknown {
  return Object.hasOwn(of, key) ? (of as Fields)[key] : undefined;
}
