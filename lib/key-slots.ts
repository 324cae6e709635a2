/** Texts by the tens of thousands, each with a small number of its own. */
import { randomBytes } from 'node:crypto';

/**
 * A set of texts. Each has a number, its slot, as long as it is in the set: what belongs to it can lie in arrays of numbers. The slot
 * that came free last is given first; where none is free, slots are given in order from 0.
 */
export interface KeySlots {
  readonly size: number;
  /** All slots are below. */
  readonly room: number;
  /** -1 where the text is not in the set. */
  slotOf(key: string): number;
  /** Its slot: a new one, or the one that it has. */
  add(key: string): number;
  /** The slot is one that was given. */
  remove(slot: number): void;
  /** The text of a slot that was given. */
  keyAt(slot: number): string;
}

const leastSlots = 64;
/** What is full grows by so much: less than double, since most of these sets stay as large as they once were. */
const growth = 1.5;
/** Of the table that leads to the slots, so much is in use at most. */
const mostUsed = 0.75;
const noSlot = -1;

/**
 * Callers choose some of the texts. Without a number that they do not know they could choose many that begin at one place of the table.
 * Nothing that the set answers depends on it.
 */
const seed0 = randomBytes(4).readInt32LE();
const seed1 = randomBytes(4).readInt32LE();

/** The text that is asked for, as it would lie among the others; words of it behind the last are 0. */
let scratch = new Uint32Array(64);
let scratchBytes = new Uint8Array(scratch.buffer);

/**
 * Texts and tables lie in arrays of numbers. In a Map each text would be two or three objects on V8's heap, some 130 bytes for an id
 * of 36 characters where this takes 65, and objects that live for long are copied and marked over and over by the collector.
 * `hashOfWords`: of so many words of scratch memory, below 2^32; another one is for tests.
 */
export function createKeySlots(hashOfWords: (length: number) => number = hashOf): KeySlots {
  let size = 0;
  let given = 0;
  let lastFree = noSlot;
  /** By slot: what its text hashes to, and where it begins among the words; of a free slot the one that came free before it. */
  let hashes = new Uint32Array(leastSlots);
  let places = new Int32Array(leastSlots);
  /** Slots at the place that the hash of their text says, or behind it; each one more than it is, and 0 for none. */
  let table = new Int32Array(tableSizeFor(leastSlots));
  /** The texts, each behind a word that says how it is written; some are of slots that are free. */
  let words = new Uint32Array(leastSlots * 8);
  let usedWords = 0;
  let liveWords = 0;

  const isAt = (place: number, length: number): boolean => {
    for (let i = 0; i < length; i++) if (words[place + i] !== scratch[i]) return false;
    return true;
  };
  /** The place in the table of the text in scratch memory, or the one where it belongs. */
  const find = (hash: number, length: number): number => {
    const mask = table.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = table[at]! - 1;
      if (slot < 0 || (hashes[slot] === hash && isAt(places[slot]!, length))) return at;
    }
  };
  const growSlots = (): void => {
    const room = Math.ceil(hashes.length * growth);
    hashes = copied(hashes, new Uint32Array(room));
    places = copied(places, new Int32Array(room));
    if (table.length >= tableSizeFor(room)) return;
    const mask = tableSizeFor(room) - 1;
    const larger = new Int32Array(mask + 1);
    for (const entry of table) {
      if (entry === 0) continue;
      let at = hashes[entry - 1]! & mask;
      while (larger[at] !== 0) at = (at + 1) & mask;
      larger[at] = entry;
    }
    table = larger;
  };
  /** Leaves out the texts of slots that are free. */
  const growWords = (length: number): void => {
    const into = new Uint32Array(Math.ceil((liveWords + length) * growth));
    usedWords = 0;
    for (const entry of table) {
      if (entry === 0) continue;
      const place = places[entry - 1]!;
      const end = place + lengthOf(words[place]!);
      places[entry - 1] = usedWords;
      for (let from = place; from < end; from++) into[usedWords++] = words[from]!;
    }
    words = into;
  };
  /** Takes one out of the table. Those behind it move up, so that nobody who looks for them meets a gap before. */
  const close = (emptied: number): void => {
    const mask = table.length - 1;
    let gap = emptied;
    for (let at = (gap + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = hashes[table[at]! - 1]! & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      table[gap] = table[at]!;
      gap = at;
    }
    table[gap] = 0;
  };

  return {
    get size() {
      return size;
    },
    get room() {
      return hashes.length;
    },
    slotOf(key) {
      const length = write(key);
      return table[find(hashOfWords(length), length)]! - 1;
    },
    add(key) {
      const length = write(key);
      const hash = hashOfWords(length);
      const known = table[find(hash, length)]! - 1;
      if (known >= 0) return known;
      if (usedWords + length > words.length) growWords(length);
      if (lastFree === noSlot && given === hashes.length) growSlots();
      const slot = lastFree === noSlot ? given++ : lastFree;
      if (slot === lastFree) lastFree = places[slot]!;
      hashes[slot] = hash;
      places[slot] = usedWords;
      for (let i = 0; i < length; i++) words[usedWords++] = scratch[i]!;
      liveWords += length;
      table[find(hash, length)] = slot + 1;
      size++;
      return slot;
    },
    remove(slot) {
      const mask = table.length - 1;
      let at = hashes[slot]! & mask;
      while (table[at] !== slot + 1) at = (at + 1) & mask;
      close(at);
      liveWords -= lengthOf(words[places[slot]!]!);
      places[slot] = lastFree;
      lastFree = slot;
      size--;
    },
    keyAt(slot) {
      const place = places[slot]!;
      const header = words[place]!;
      const bytes = Buffer.from(words.buffer, 4 * (place + 1), header >>> 1);
      return bytes.toString(header & 1 ? 'utf16le' : 'latin1');
    },
  };
}

/** A power of two. */
function tableSizeFor(slots: number): number {
  return 2 ** Math.ceil(Math.log2(slots / mostUsed));
}

function copied<A extends Uint32Array | Int32Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

/** Words of a text and the one before it, which says how many bytes it has and, in its lowest bit, whether two are a character. */
function lengthOf(header: number): number {
  return 1 + (((header >>> 1) + 3) >> 2);
}

/** Writes a text into scratch memory as it lies among the words; returns its length. */
function write(key: string): number {
  const mostWords = 2 + (key.length >> 1);
  if (scratch.length < mostWords) {
    scratch = new Uint32Array(2 * mostWords);
    scratchBytes = new Uint8Array(scratch.buffer);
  }
  let header = key.length << 1;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code > 0xff) {
      header = (key.length << 2) | 1;
      break;
    }
    scratchBytes[4 + i] = code;
  }
  if (header & 1) Buffer.from(scratch.buffer).write(key, 4, 'utf16le');
  scratch[0] = header;
  const length = lengthOf(header);
  // What an earlier text has left in the last word.
  for (let i = 4 + (header >>> 1); i < 4 * length; i++) scratchBytes[i] = 0;
  return length;
}

/** HalfSipHash-1-3 of the words in scratch memory, which the Linux kernel uses for its tables. */
function hashOf(length: number): number {
  let v0 = seed0;
  let v1 = seed1;
  let v2 = 0x6c796765 ^ seed0;
  let v3 = 0x74656462 ^ seed1;
  // The words, then the length of all, then three rounds that end it.
  for (let i = 0; i < length + 4; i++) {
    const word = i < length ? scratch[i]! : i === length ? length << 26 : 0;
    if (i === length + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
