/** Whether colours help whoever reads: on a terminal that knows them, unless the environment says no (https://no-color.org). */
export function wantsColour(
  { isTerminal }: { readonly isTerminal: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && !environment['NO_COLOR'];
}
