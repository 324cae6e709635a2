/** What a chat completion says, piece by piece and in no API's words, for whoever puts it into those of another one. */
import { isJson, type Json, listOf, objectOf, textOf } from '../any-json';

export type ChatPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refusal'; readonly text: string }
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
  return partOf(answer, 'message');
}

/** One chunk of a stream. */
export function readChatChunk(chunk: Json): ChatPart {
  return partOf(chunk, 'delta');
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

function partOf(given: Json, field: 'message' | 'delta'): ChatPart {
  const choice = objectOf(listOf(given['choices'])[0]);
  const said = objectOf(choice[field]);
  const { created } = given;
  return {
    id: textOf(given['id']),
    model: textOf(given['model']),
    created: typeof created === 'number' ? created : 0,
    pieces: [
      ...pieceOf('text', contentOf(said['content'])),
      ...pieceOf('refusal', textOf(said['refusal'])),
      ...listOf(said['tool_calls']).flatMap((call, index) => callPieces(objectOf(call), index, field)),
    ],
    finish: typeof choice['finish_reason'] === 'string' ? choice['finish_reason'] : null,
    usage: usageOf(given['usage']),
  };
}

function pieceOf(kind: 'text' | 'refusal', text: string): ChatPiece[] {
  return text === '' ? [] : [{ kind, text }];
}

/** Some providers answer with parts where the API has a text. */
function contentOf(content: unknown): string {
  return listOf(content).reduce<string>((text, part) => text + textOf(objectOf(part)['text']), textOf(content));
}

function callPieces(call: Json, place: number, field: 'message' | 'delta'): ChatPiece[] {
  const { name, arguments: args } = objectOf(call['function']);
  const given = call['index'];
  const index = field === 'delta' && typeof given === 'number' ? given : place;
  const begins = field === 'message' || textOf(name) !== '';
  const text = textOf(args);
  return [
    ...(begins
      ? [{ kind: 'call', index, id: textOf(call['id']), name: textOf(name), extra: call['extra_content'] } as const]
      : []),
    ...(text === '' ? [] : [{ kind: 'arguments', index, text } as const]),
  ];
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
    output: output ?? 0,
    reasoning: count(objectOf(given['completion_tokens_details'])['reasoning_tokens']),
  };
}
