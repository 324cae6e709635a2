/** Models of the recorded sets that were not measured on every row. Whoever needs all rows of all models leaves them out. */
const incomplete: ReadonlyMap<string, readonly string[]> = new Map([['paretobandit-val', ['google/gemini-2.5-flash']]]);

/** `set`: as its file is named, without the ending. */
export function incompleteModels(set: string): readonly string[] {
  return incomplete.get(set) ?? [];
}
