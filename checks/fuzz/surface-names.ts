/** How the surfaces and their cases are called, known without the engine that they belong to. */

export const surfaceNames = ['http', 'configuration', 'records'] as const;
export type SurfaceName = (typeof surfaceNames)[number];

/** The command that runs these cases again. */
export function reproduceOf(
  { surface, seed }: { readonly surface: SurfaceName; readonly seed: number },
  indices: readonly number[],
): string {
  const [first, last] = [indices[0]!, indices.at(-1)!];
  const cases = first === last ? '' : ` CASES=${last - first + 1}`;
  return `make fuzz SURFACE=${surface} SEED=${seed} FROM=${first}${cases || ' CASES=1'}`;
}
