/**
 * Lists of numbers as the engine underneath keeps them best: doubles side by side, without holes. A list of `new Array(n)` may
 * have holes for V8, and one that was filled with 0 holds small integers, so that each number read from it may have to become an
 * object of its own of 16 bytes; and lists of several kinds in one loop are all treated like the worst of them.
 */

/** Lists of at most so many numbers are copied from a pattern. */
const mostKept = 256;
const patterns: (readonly number[] | undefined)[] = [];

/** So many zeros, the caller's own. */
export function zeros(count: number): number[] {
  if (count > mostKept) return doubles(count);
  const pattern = patterns[count];
  if (pattern !== undefined) return pattern.slice();
  // The places before are filled, too: a table of patterns with holes would be a slow one.
  while (patterns.length <= count) patterns.push(undefined);
  patterns[count] = doubles(count).slice(0, count);
  return zeros(count);
}

/** A list becomes one of doubles by a number that is no integer, and stays one. */
function doubles(count: number): number[] {
  const list: number[] = [];
  for (let i = 0; i < count; i++) list.push(0.5);
  return list.fill(0);
}
