/** Figures as people and reports read them: one rounding and one way to write a percentage for everybody. */

/** To so many significant digits, without noughts behind them. */
export function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

export function short(value: number, digits = 3): string {
  return String(rounded(value, digits));
}

/** `share` 0..1 to so many significant digits. */
export function percent(share: number, digits = 3): string {
  return `${short(100 * share, digits)} %`;
}

/** `share` 0..1 with so many decimals, noughts among them: for columns. */
export function fixedPercent(share: number, decimals = 0): string {
  return `${(100 * share).toFixed(decimals)} %`;
}

/** A difference, with its sign. */
export function signed(value: number, decimals: number): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(decimals)}`;
}

/** Characters of a hash shown to people; enough to name one. */
const shownCharacters = 12;

/** A SHA-256, or another long id, as people read it. */
export function shownHash(hash: string): string {
  return hash.slice(0, shownCharacters);
}
