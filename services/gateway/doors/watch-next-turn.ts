/**
 * Finds the answer that a conversation goes on from. Nothing of a conversation is kept but hashes under a key of this process,
 * in memory and for the latest answers alone, so a turn that comes to another gateway, or after a restart, says nothing.
 */
import { hash as digestOf } from 'node:crypto';
import type { Message, RouteDecided } from '../../../lib/topics/generated/messages';
import { judgeNextTurn, type NextTurn, wordsOf } from './judge-next-turn';

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
  // A Map iterates in order of insertion, so the first key is the oldest.
  const remembered = new Map<string, Remembered>();
  const hash = (text: string): string => digestOf('sha256', `${key}\n${text}`, 'hex').slice(0, 16);
  const seed = Number.parseInt(hash('words').slice(0, 8), 16);
  const hashesOf = (words: readonly string[]): number[] => words.map((word) => wordHash(word, seed));
  /** The answer and the words of the question before it: two users are seldom told the same about the same. */
  const placeOf = (asked: readonly string[], answer: string): string =>
    hash(`${asked.join(' ')}\n${answer.trimStart().slice(0, placeChars).replace(/\s+/g, ' ').trim()}`);

  return {
    observe(messages) {
      const last = messages.at(-1);
      const answerAt = messages.findLastIndex(({ role }) => role === 'assistant');
      if (last?.role !== 'user' || answerAt < 1) return null;
      const asked = messages.slice(0, answerAt).findLast(({ role }) => role === 'user');
      if (!asked) return null;
      const place = placeOf(wordsOf(asked.content), messages[answerAt]!.content);
      const found = remembered.get(place);
      if (!found) return null;
      remembered.delete(place);
      const turn = judgeNextTurn(found.asked, hashesOf(wordsOf(last.content)), last.content);
      return { decision: found.decision, model: found.model, turn };
    },
    remember(messages, answer, answered) {
      const asked = messages.at(-1);
      if (asked?.role !== 'user' || answer.length < leastAnswerChars) return;
      const words = wordsOf(asked.content);
      remembered.set(placeOf(words, answer), { ...answered, asked: hashesOf(words) });
      const oldest = remembered.keys().next();
      if (remembered.size > maxRemembered && !oldest.done) remembered.delete(oldest.value);
    },
  };
}

/** FNV-1a: words are compared, not hidden, and there are many of them. */
function wordHash(word: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
