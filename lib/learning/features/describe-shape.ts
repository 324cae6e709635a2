/** What texts look like, in words that could be said of any text: nothing is quoted, and nothing can be told from them but the shape. */

/** What is said of a hand-made feature above and below its mean, by its position (see `handFeaturesOf`); null: nothing. */
const shapeWords: ReadonlyMap<number, readonly [above: string, below: string | null]> = new Map([
  [0, ['long', 'short']],
  [2, ['of many lines', 'of one line']],
  [4, ['many capitals', null]],
  [5, ['many digits', null]],
  [7, ['Chinese or Japanese characters', null]],
  [8, ['Cyrillic letters', null]],
  [9, ['letters beyond Latin 1', null]],
  [15, ['many semicolons', null]],
  [16, ['many round brackets', null]],
  [17, ['many square brackets', null]],
  [18, ['many braces', null]],
  [19, ['many angle brackets', null]],
  [20, ['many equals signs', null]],
  [21, ['many arithmetic signs', null]],
  [22, ['many backslashes', null]],
  [23, ['many dollar signs', null]],
  [25, ['many hash signs', null]],
  [26, ['many backquotes', null]],
  [28, ['many bars', null]],
  [29, ['many percent signs', null]],
  [30, ['choices to pick from', null]],
  [31, ['indented lines', null]],
  [32, ['long words', 'short words']],
  [34, ['ends with a question mark', null]],
  [35, ['ends with a colon', null]],
  [39, ['asks something', 'asks nothing']],
] as const);

/** In deviations: less is said of most texts. */
const leastDeviation = 0.75;
const mostWords = 4;

/** `deviations`: the mean of each hand-made feature in deviations from that of all requests. The most remarkable comes first. */
export function describeShape(deviations: readonly number[]): string[] {
  return [...shapeWords]
    .map(([at, [above, below]]) => ({ by: deviations[at] ?? 0, above, below }))
    .filter(({ by, below }) => Math.abs(by) >= leastDeviation && (by > 0 || below !== null))
    .sort((a, b) => Math.abs(b.by) - Math.abs(a.by))
    .slice(0, mostWords)
    .map(({ by, above, below }) => (by > 0 ? above : below!));
}
