/**
 * Finds the answer that a conversation goes on from. Nothing of a conversation is kept but hashes under a key of this process,
 * in memory and for the latest answers alone, so a turn that comes to another gateway, or after a restart, says nothing.
 */
import { hash as digestOf } from 'node:crypto';
import { newestEntries } from '../../../../lib/newest-entries';
import type { Message, RouteDecided } from '../../../../lib/topics/generated/messages';
import { judgeNextTurn, maxWords, type NextTurn } from './judge-next-turn';

/** An answer that somebody may go on from. */
export interface AnsweredTurn {
  readonly decision: RouteDecided;
  readonly model: string;
}

export interface NextTurnWatch {
  /** What these messages say of an answer before them; null where they go on from none that is known. Each is judged once. */
  observe(messages: readonly Message[]): (AnsweredTurn & { readonly turn: NextTurn }) | null;
  /** `messages` were answered by `answer`. */
  remember(messages: readonly Message[], answer: string, answered: AnsweredTurn): void;
}

export interface NextTurnOptions {
  /** Of the hashes; a secret of this process. */
  readonly key: string;
  readonly maxRemembered: number;
}

interface Remembered extends AnsweredTurn {
  /** Hashes of the words of the question. */
  readonly asked: readonly number[];
}

/** The beginning of an answer tells it from others. */
const placeChars = 4_096;
/** Shorter ones are the same in too many conversations. */
const leastAnswerChars = 24;

export function createNextTurnWatch({ key, maxRemembered }: NextTurnOptions): NextTurnWatch {
  const remembered = newestEntries<string, Remembered>(maxRemembered);
  const secret = digestOf('sha256', key, 'buffer');
  const [wordSeed, placeSeed, otherSeed] = [secret.readInt32LE(0), secret.readInt32LE(4), secret.readInt32LE(8)];
  const hashesOf = (text: string): number[] => wordHashes(text, wordSeed);
  /** The words of the question and the answer to it: two users are seldom told the same about the same. */
  const placeOf = (asked: readonly number[], answer: string): string =>
    [placeSeed, otherSeed].map((seed) => solidHash(answer, asked.reduce(mixed, seed))).join('/');

  return {
    observe(messages) {
      const last = messages.at(-1);
      const answerAt = messages.findLastIndex(({ role }) => role === 'assistant');
      if (last?.role !== 'user' || answerAt < 1) return null;
      const asked = messages.slice(0, answerAt).findLast(({ role }) => role === 'user');
      if (!asked) return null;
      const place = placeOf(hashesOf(asked.content), messages[answerAt]!.content);
      const found = remembered.peek(place);
      if (!found) return null;
      remembered.delete(place);
      const turn = judgeNextTurn(found.asked, hashesOf(last.content), last.content);
      return { decision: found.decision, model: found.model, turn };
    },
    remember(messages, answer, answered) {
      const asked = messages.at(-1);
      if (asked?.role !== 'user' || answer.length < leastAnswerChars) return;
      const words = hashesOf(asked.content);
      remembered.set(placeOf(words, answer), { ...answered, asked: words });
    },
  };
}

/** FNV-1a: words are compared, not hidden, and there are many of them. */
function mixed(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

function isWordUnit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x27;
}

const letter = /[\p{L}\p{N}]/u;

/**
 * Hashes of the first words of a text, which are those of `wordsOf`. Every call passes here: the text is read once, not copied,
 * and only characters that are none of ours are looked up.
 */
function wordHashes(text: string, seed: number): number[] {
  const hashes: number[] = [];
  let hash = seed;
  let isInWord = false;
  for (let at = 0; at < text.length && hashes.length < maxWords; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      // The second half of a character that has two.
      at += character.length - 1;
      if (letter.test(character)) {
        const lower = character.toLowerCase();
        for (let i = 0; i < lower.length; i++) hash = mixed(hash, lower.charCodeAt(i));
        isInWord = true;
        continue;
      }
    } else {
      const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
      if (isWordUnit(lower)) {
        hash = mixed(hash, lower);
        isInWord = true;
        continue;
      }
    }
    if (isInWord) hashes.push(hash);
    hash = seed;
    isInWord = false;
  }
  if (isInWord && hashes.length < maxWords) hashes.push(hash);
  return hashes;
}

/** Of the beginning of a text without its white space, which clients change. */
function solidHash(text: string, seed: number): number {
  let hash = seed;
  const end = Math.min(text.length, placeChars);
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x20) hash = mixed(hash, code);
  }
  return hash;
}
