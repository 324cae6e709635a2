/** Colours for text that has its width already: those of the terminal's own palette, by what they say. */
const codes = { strong: 1, faint: 2, good: 32, warn: 33, bad: 31 } as const;

export type Tone = keyof typeof codes;
export type Paint = (tone: Tone | null, text: string) => string;

/** Without colours the text stays as it is. */
export function createPaint(hasColours: boolean): Paint {
  return (tone, text) => (hasColours && tone !== null ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text);
}
