/**
 * Text to features: stateless, deterministic, multilingual, no download. Everything that is fitted to data (projection,
 * clusters, scalers) belongs to the learned basis; change anything here and `encoderVersion` must change.
 */

/** Pinned in every opened request and learning event. */
export const encoderVersion = 'sketch-2';
/** Values of the signed count sketch. */
export const sketchSize = 1024;
/** Hand-made features. */
export const handSize = 40;

export interface Encoded {
  /** L2-normalised count sketch of word 1-grams, word 2-grams and character 3-grams, as int8. */
  readonly sketch: Int8Array;
  /** Multiply the int8 values by this to get (about) unit norm; 0 for an empty text. */
  readonly sketchScale: number;
  /** About 0..5 each; see `handFeaturesOf`. */
  readonly handFeatures: Float32Array;
}

/** A longer text is read as its beginning and its end: instructions stand at one of the two. */
const maxCharacters = 4000;
const headCharacters = 3000;
const tailCharacters = maxCharacters - headCharacters;
/** Buckets that term frequencies are counted in before sketching; 2^16 keeps collisions rare at 12k features. */
const bucketBits = 16;
export const bucketCount = 1 << bucketBits;
/** A text of 4,000 characters has at most this many features of each of the three kinds. */
const maxFeatures = 3 * maxCharacters + 16;

// Bound here: in a realm with an intercepted global (a test runner's), looking up Math in a hot loop costs more than the loop.
const { abs, imul, min, round } = Math;

// Scratch space: encoding is synchronous, so one set serves every call of this thread.
const counts = new Uint16Array(bucketCount);
/** Hashes of the features of a text, in order, each with its kind beside it. */
const hashes = new Int32Array(maxFeatures);
const kinds = new Uint8Array(maxFeatures);
/** One more than needed: the count below writes before it knows whether the place is taken. */
const touched = new Int32Array(maxFeatures + 1);
const sums = new Float64Array(sketchSize);
const tally = new Float64Array(32);
/** 1 + ln(tf), a term's weight, up to where it no longer matters. */
const termWeights = Float64Array.from({ length: 1024 }, (_, tf) => (tf === 0 ? 0 : 1 + Math.log(tf)));

const blank = 0;
const letter = 1;
const digit = 2;
const ideograph = 3;
const symbol = 4;
/** Class of every UTF-16 code unit, and the code unit it folds to (lower case). */
const classOf = new Uint8Array(65_536);
const foldOf = new Uint16Array(65_536);
for (let code = 0; code < 65_536; code++) {
  foldOf[code] = code;
  classOf[code] = classify(code);
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0xc0 && code <= 0xde && code !== 0xd7)) foldOf[code] = code + 0x20;
  else if (code >= 0x391 && code <= 0x3a9) foldOf[code] = code + 0x20;
  else if (code >= 0x410 && code <= 0x42f) foldOf[code] = code + 0x20;
  else if (code >= 0x400 && code <= 0x40f) foldOf[code] = code + 0x50;
}

function classify(code: number): number {
  if (code <= 0x20 || code === 0x7f || code === 0xa0 || code === 0x3000 || code === 0xfeff) return blank;
  if (code >= 0x2000 && code <= 0x200f) return blank;
  if (code >= 0x30 && code <= 0x39) return digit;
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return letter;
  if (code < 0xaa || code === 0xd7 || code === 0xf7) return symbol;
  if (code >= 0x2010 && code <= 0x2bff) return symbol;
  if (code >= 0x3001 && code <= 0x303f) return symbol;
  if (code >= 0x3040 && code <= 0x30ff) return ideograph;
  if (code >= 0x3400 && code <= 0x9fff) return ideograph;
  if (code >= 0xf900 && code <= 0xfaff) return ideograph;
  if (code >= 0xd800 && code <= 0xdfff) return symbol;
  if (code >= 0xfe30 && code <= 0xfe6f) return symbol;
  if (code >= 0xff00) return symbol;
  return letter;
}

/** What decides where in the sketch a feature goes. */
export interface Hashing {
  /** Mixed into every feature's hash... */
  readonly first: number;
  /** ...and once more, where it is not 0. */
  readonly second: number;
  /** For each bucket its entry, as `tableEntry` makes it. */
  readonly table: Uint16Array;
}

const negative = 0x8000;

/** Index in the sketch and sign, from 16 or more random bits of which the highest of 16 is the sign. */
export function tableEntry(bits: number): number {
  return (bits & (sketchSize - 1)) | (bits & negative);
}

/** Final mixing of a 32-bit hash (murmur3), so that all bits depend on all bits. */
function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Of published version: everybody has it. */
const commonHashing: Hashing = {
  first: 0,
  second: 0,
  table: Uint16Array.from({ length: bucketCount }, (_, bucket) => {
    const h = mix(bucket + 0x51ed270b);
    return tableEntry((h & 0x7fff) | (h & 0x80000000 ? negative : 0));
  }),
};

let featureCount = 0;
function note(hash: number, kind: number): void {
  hashes[featureCount] = hash;
  kinds[featureCount++] = kind;
}

/**
 * Counts the noted features by bucket and returns how many buckets there are; `touched` says which, in the order of their
 * first feature, and of what kind that was. Whether a bucket is new is as good as random, so nothing branches on it.
 */
function countFeatures({ first, second }: Hashing): number {
  let found = 0;
  for (let i = 0; i < featureCount; i++) {
    let mixed = mix(hashes[i]! ^ first);
    if (second !== 0) mixed = mix(mixed ^ second);
    const bucket = mixed & (bucketCount - 1);
    const before = counts[bucket]!;
    touched[found] = bucket | (kinds[i]! << bucketBits);
    found += (before - 1) >>> 31;
    counts[bucket] = before + 1;
  }
  return found;
}

// Kinds of n-grams.
const unigram = 0;
const bigram = 1;
const trigram = 2;
/** What a word, a pair of words and three characters weigh: a text has far more trigrams than words, and words say more. */
export const ngramWeights: readonly [number, number, number] = [2, 1.5, 1];

const fnvBasis = 0x811c9dc5 | 0;
const fnvPrime = 0x01000193;
/** Salts that keep the three kinds of features apart. */
const bigramSalt = 0x9e3779b1 | 0;
const trigramSalt = 0x7feb352d | 0;

/**
 * Encodes a text. Pure; about 30 microseconds for 1 kB. The result's arrays are the caller's own. Other weights than the
 * default are for measuring what each kind of n-grams brings: what they give is of no published version. `hashedBy`: see
 * `encoder-key.ts`.
 */
export function encodeText(text: string, weights = ngramWeights, hashedBy = commonHashing): Encoded {
  tally.fill(0);
  featureCount = 0;
  if (text.length <= maxCharacters) scan(text, 0, text.length);
  else {
    scan(text, 0, headCharacters);
    scan(text, text.length - tailCharacters, text.length);
  }
  const handFeatures = handFeaturesOf(text);
  const { sketch, sketchScale } = sketchOf(weights, hashedBy);
  return { sketch, sketchScale, handFeatures };
}

// What `tally` counts, by index.
const letters = 0;
const capitals = 1;
const digits = 2;
const blanks = 3;
const ideographs = 4;
const cyrillic = 5;
const otherScript = 6;
const lines = 7;
const words = 8;
const indented = 9;
const choices = 10;
const symbolBase = 11;
/** Which symbol class a code unit below 128 counts for; 255 for none. Two brackets of a pair share a class. */
const symbolGroups = [
  '?',
  '!',
  ',',
  '.',
  ':',
  ';',
  '()',
  '[]',
  '{}',
  '<>',
  '=',
  '+-*/^',
  '\\',
  '$',
  '_',
  '#',
  '`',
  '"\'',
  '|',
  '%',
];
const symbolGroupOf = new Uint8Array(128).fill(255);
symbolGroups.forEach((group, index) => {
  for (const character of group) symbolGroupOf[character.charCodeAt(0)] = index;
});

/** Counts the n-grams and the hand-made features of text[from, to). */
function scan(text: string, from: number, to: number): void {
  let wordHash = 0;
  let previousWord = 0;
  let inDigits = false;
  let a = 0x20; // the two folded characters before this one, blank runs as one blank
  let b = 0x20;
  let lineStart = true;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const kind = classOf[code]!;
    if (lineStart && (code === 0x20 || code === 0x09)) tally[indented]!++;
    lineStart = code === 0x0a;
    if (lineStart) tally[lines]!++;
    tallyCharacter(code, kind);
    let folded = foldOf[code]!;
    if (kind === letter || kind === digit) {
      if (kind === digit) folded = 0x30;
      if (!(kind === digit && inDigits)) {
        wordHash = imul((wordHash === 0 ? fnvBasis : wordHash) ^ folded, fnvPrime);
      }
      inDigits = kind === digit;
    } else {
      if (wordHash !== 0) previousWord = endWord(wordHash, previousWord);
      if (code === 0x29 && b >= 0x61 && b <= 0x6a && a <= 0x28) tally[choices]!++; // "a)" or "(a)": a multiple choice
      wordHash = 0;
      inDigits = false;
      if (kind === blank) {
        folded = 0x20;
        if (b === 0x20) continue;
      } else {
        // A low surrogate joins its high one, so that an emoji is one word of its own.
        if (code >= 0xdc00 && code <= 0xdfff) folded = imul(b, 31) ^ code;
        previousWord = endWord(imul(fnvBasis ^ folded, fnvPrime), previousWord);
      }
    }
    note(imul(imul(imul(trigramSalt ^ a, fnvPrime) ^ b, fnvPrime) ^ folded, fnvPrime), trigram);
    a = b;
    b = folded;
  }
  if (wordHash !== 0) endWord(wordHash, previousWord);
}

function endWord(word: number, previous: number): number {
  tally[words]!++;
  note(word, unigram);
  if (previous !== 0) note(imul(previous ^ bigramSalt, fnvPrime) ^ word, bigram);
  return word;
}

function tallyCharacter(code: number, kind: number): void {
  if (kind === letter) {
    tally[letters]!++;
    if (code >= 0x41 && code <= 0x5a) tally[capitals]!++;
    else if (code >= 0x400 && code <= 0x52f) tally[cyrillic]!++;
    else if (code >= 0x100) tally[otherScript]!++;
  } else if (kind === digit) tally[digits]!++;
  else if (kind === blank) tally[blanks]!++;
  else if (kind === ideograph) tally[ideographs]!++;
  else if (code < 128) {
    const group = symbolGroupOf[code]!;
    if (group !== 255) tally[symbolBase + group]!++;
  }
}

/** Sketches and clears the counted features. */
function sketchOf(weights: typeof ngramWeights, hashing: Hashing): Pick<Encoded, 'sketch' | 'sketchScale'> {
  sums.fill(0);
  const { table } = hashing;
  const buckets = countFeatures(hashing);
  for (let i = 0; i < buckets; i++) {
    const bucket = touched[i]! & (bucketCount - 1);
    const weight = weights[touched[i]! >> bucketBits]! * termWeights[min(counts[bucket]!, 1023)]!;
    counts[bucket] = 0;
    const entry = table[bucket]!;
    const index = entry & (sketchSize - 1);
    sums[index] = sums[index]! + (entry & negative ? weight : -weight);
  }
  let squares = 0;
  let largest = 0;
  for (let i = 0; i < sketchSize; i++) {
    const value = abs(sums[i]!);
    squares += value * value;
    if (value > largest) largest = value;
  }
  const sketch = new Int8Array(sketchSize);
  if (squares === 0) return { sketch, sketchScale: 0 };
  const toInt8 = 127 / largest;
  for (let i = 0; i < sketchSize; i++) sketch[i] = round(sums[i]! * toInt8);
  return { sketch, sketchScale: Math.fround(largest / 127 / Math.sqrt(squares)) };
}

/**
 * Forty numbers about the shape of the text: sizes, shares of kinds of characters, log counts of symbols, marks of
 * multiple choice, code and questions. Counts are of the part that was read, lengths of the whole.
 */
function handFeaturesOf(text: string): Float32Array {
  const hand = new Float32Array(handSize);
  const read = Math.max(1, Math.min(text.length, maxCharacters));
  hand[0] = Math.log1p(text.length) / 2;
  hand[1] = Math.log1p(tally[words]!) / 2;
  hand[2] = Math.log1p(tally[lines]!);
  for (let i = 0; i < 7; i++) hand[3 + i] = tally[letters + i]! / read;
  for (let i = 0; i < symbolGroups.length; i++) hand[10 + i] = Math.log1p(tally[symbolBase + i]!);
  hand[30] = Math.log1p(tally[choices]!);
  hand[31] = Math.log1p(tally[indented]!);
  hand[32] = tally[letters]! / Math.max(1, tally[words]!) / 5; // mean word length
  hand[33] = tally[words]! / (1 + tally[lines]!) / 20; // words a line
  let end = text.length - 1;
  while (end >= 0 && end > text.length - 64 && classOf[text.charCodeAt(end)] === blank) end--;
  const last = end >= 0 ? text.charCodeAt(end) : 0;
  hand[34] = last === 0x3f || last === 0xff1f ? 1 : 0;
  hand[35] = last === 0x3a || last === 0xff1a ? 1 : 0;
  hand[36] = last === 0x2e || last === 0x3002 ? 1 : 0;
  const first = text.length > 0 ? text.charCodeAt(0) : 0;
  hand[37] = first >= 0x61 && first <= 0x7a ? 1 : 0; // starts in lower case: a continuation
  hand[38] = text.length > maxCharacters ? 1 : 0;
  hand[39] = tally[symbolBase]! > 0 ? 1 : 0;
  return hand;
}

/** The bytes of a typed array, without copying: what goes into an Avro record. */
export function bytesOf(array: Int8Array | Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** An Avro record's bytes as int8, without copying. */
export function int8Of(bytes: Buffer): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An Avro record's bytes as little-endian float32; copies only where they are not aligned. Throws when cut off. */
export function float32Of(bytes: Buffer): Float32Array {
  if (bytes.byteLength % 4 !== 0) throw new Error(`a float32 vector cannot have ${bytes.byteLength} bytes`);
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const copy = new Float32Array(bytes.byteLength / 4);
  new Uint8Array(copy.buffer).set(bytes);
  return copy;
}
