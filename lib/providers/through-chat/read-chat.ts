/** What a chat completion says, piece by piece and in no API's words, for whoever puts it into those of another one. */
import { thoughtOf } from '../answer-facts';
import { isJson, type Json, listOf, objectOf, textOf } from '../any-json';
import { type BegunCall, beginsAnother, createBegunCall } from '../pieced-calls';

export type ChatPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refusal'; readonly text: string }
  /** What the model has thought. */
  | { readonly kind: 'thought'; readonly text: string }
  /** A tool call begins; its arguments come in pieces of their own. */
  | {
      readonly kind: 'call';
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly extra: unknown;
    }
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string };

export interface ChatUsage {
  /** With those that were cached. */
  readonly input: number;
  /** Null where nothing is said of them. */
  readonly cached: number | null;
  /** Put into the cache for calls to come; null as above. */
  readonly cacheWritten: number | null;
  /** With those of reasoning. */
  readonly output: number;
  readonly reasoning: number | null;
}

export interface ChatPart {
  readonly id: string;
  readonly model: string;
  readonly created: number;
  readonly pieces: readonly ChatPiece[];
  readonly finish: string | null;
  readonly usage: ChatUsage | null;
}

/** A whole completion. Null where it is none. */
export function readCompletion(answer: unknown): ChatPart | null {
  if (!isJson(answer) || isJson(answer['error']) || !isJson(listOf(answer['choices'])[0])) return null;
  return partOf(answer, 'message', { byPlace: new Map(), count: 0 });
}

/** Reads a stream chunk by chunk. */
export function createChunkReader(): (chunk: Json) => ChatPart {
  const underWay: CallsUnderWay = { byPlace: new Map(), count: 0 };
  return (chunk) => partOf(chunk, 'delta', underWay);
}

interface CallsUnderWay {
  readonly byPlace: Map<number, BegunCall & { readonly index: number }>;
  /** Of all that have begun. */
  count: number;
}

/** The arguments of a tool call, as they were written; empty where none were. */
export function argumentsOf(pieces: readonly ChatPiece[], { index }: Extract<ChatPiece, { kind: 'call' }>): string {
  for (const piece of pieces) if (piece.kind === 'arguments' && piece.index === index) return piece.text;
  return '';
}

/** A chunk that no answer has begun with. */
export function saysNothing({ id, pieces, finish }: ChatPart): boolean {
  return id === '' && pieces.length === 0 && finish === null;
}

function partOf(given: Json, field: 'message' | 'delta', underWay: CallsUnderWay): ChatPart {
  const choice = objectOf(listOf(given['choices'])[0]);
  const said = objectOf(choice[field]);
  const created = typeof given['created'] === 'number' ? given['created'] : 0;
  const id = textOf(given['id']);
  return {
    id,
    model: textOf(given['model']),
    created,
    pieces: [
      ...pieceOf('thought', thoughtOf(said)),
      ...pieceOf('text', contentOf(said['content'])),
      ...pieceOf('refusal', textOf(said['refusal'])),
      ...listOf(said['tool_calls']).flatMap((call, place) =>
        callPieces(objectOf(call), field === 'delta' ? null : place, id || String(created), underWay),
      ),
    ],
    finish: typeof choice['finish_reason'] === 'string' ? choice['finish_reason'] : null,
    usage: usageOf(given['usage']),
  };
}

function pieceOf(kind: 'text' | 'refusal' | 'thought', text: string): ChatPiece[] {
  return text === '' ? [] : [{ kind, text }];
}

/** Some providers answer with parts where the API has a text. */
function contentOf(content: unknown): string {
  return listOf(content).reduce<string>((text, part) => text + textOf(objectOf(part)['text']), textOf(content));
}

/**
 * `place` is where the call stands in a whole answer; null in a stream, where it says so itself. Calls are told apart by a number
 * of our own: some providers have all of theirs in the same place.
 */
function callPieces(call: Json, place: number | null, answer: string, underWay: CallsUnderWay): ChatPiece[] {
  const { name: given, arguments: args } = objectOf(call['function']);
  const at = place ?? (typeof call['index'] === 'number' ? call['index'] : 0);
  const [id, name, text] = [textOf(call['id']) || null, textOf(given), textOf(args)];
  const begun = underWay.byPlace.get(at);
  if (begun && !beginsAnother(begun, id, name)) {
    begun.end.take(text);
    return text === '' ? [] : [{ kind: 'arguments', index: begun.index, text }];
  }
  // A piece of nothing that has begun.
  if (place === null && name === '') return [];
  const index = underWay.count++;
  underWay.byPlace.set(at, { ...createBegunCall(id, name, text), index });
  return [
    { kind: 'call', index, id: id ?? madeId(answer, index), name, extra: call['extra_content'] },
    ...(text === '' ? [] : [{ kind: 'arguments', index, text } as const]),
  ];
}

/** For providers that give their calls none: results are told apart by it. No longer than OpenAI's APIs take. */
function madeId(answer: string, index: number): string {
  return `call_${answer.replace(/[^\w-]/g, '').slice(-24)}_${index}`;
}

function usageOf(given: unknown): ChatUsage | null {
  if (!isJson(given)) return null;
  const count = (value: unknown): number | null => (typeof value === 'number' && value >= 0 ? value : null);
  const input = count(given['prompt_tokens']);
  const output = count(given['completion_tokens']);
  if (input === null && output === null) return null;
  return {
    input: input ?? 0,
    cached: count(objectOf(given['prompt_tokens_details'])['cached_tokens']),
    cacheWritten: count(objectOf(given['prompt_tokens_details'])['cache_write_tokens']),
    output: output ?? 0,
    reasoning: count(objectOf(given['completion_tokens_details'])['reasoning_tokens']),
  };
}
