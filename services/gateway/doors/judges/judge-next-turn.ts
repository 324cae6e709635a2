/**
 * What a user says next is evidence of the answer before, though weak: who repeats the question or says that it was wrong was
 * not helped, who goes on to something else probably was. The words that are looked for are English; in other languages
 * repeating and rephrasing are noticed all the same.
 */
export type NextTurn = 'repeated' | 'corrected' | 'rephrased' | 'thanked' | 'moved-on';

/** 0..1. None is certain, so none is at an end. */
export const nextTurnQuality: Readonly<Record<NextTurn, number>> = {
  repeated: 0.2,
  corrected: 0.1,
  rephrased: 0.3,
  thanked: 0.9,
  'moved-on': 0.7,
};

/** Of different words of two questions, how many they share at least where one rephrases the other. */
const leastOverlap = 0.6;
/** Fewer words say too little to be compared. */
const leastWords = 4;
/** Words of a question that are compared. */
export const maxWords = 200;
/** Whoever complains or thanks does so at the beginning. */
const openingChars = 200;

const correction =
  /\b(that'?s|this is|that is|it'?s|you'?re|you are|answer is|was) (wrong|incorrect|not (right|correct|true|what i))|\b(doesn'?t|does not|didn'?t|did not|still not|not) work(ing)?\b|^no[,.! ]|\btry again\b|\byou (misunderstood|made a mistake)\b|\bi (meant|asked for)\b/;
const thanks = /^(thanks?\b|thank you|perfect\b|great\b|works\b|that works|exactly\b|awesome\b|excellent\b)/;

/** A text as it is compared: what is left of it are its first words, in order. Of a long text no more than those is read. */
export function wordsOf(text: string): string[] {
  const word = /[\p{L}\p{N}']+/gu;
  const lower = text.toLowerCase();
  const words: string[] = [];
  for (let found = word.exec(lower); found !== null && words.length < maxWords; found = word.exec(lower))
    words.push(found[0]);
  return words;
}

/** `before` and `after` are words of what the user asked first and then, or whatever stands for them; `text` is the second in full. */
export function judgeNextTurn<Word>(before: readonly Word[], after: readonly Word[], text: string): NextTurn {
  if (before.length > 0 && before.length === after.length && before.every((word, i) => word === after[i]))
    return 'repeated';
  const opening = text.slice(0, openingChars).toLowerCase().replaceAll('’', "'").trim();
  if (correction.test(opening)) return 'corrected';
  if (thanks.test(opening)) return 'thanked';
  const [a, b] = [new Set(before), new Set(after)];
  if (Math.min(a.size, b.size) < leastWords) return 'moved-on';
  const shared = [...a].filter((word) => b.has(word)).length;
  return shared / (a.size + b.size - shared) >= leastOverlap ? 'rephrased' : 'moved-on';
}
