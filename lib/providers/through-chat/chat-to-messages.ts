/** From a chat completion to an answer of Anthropic's Messages API: in one piece, or event by event. */
import { isJson } from '../any-json';
import type { StreamEvent } from '../upstream-call';
import type { Writer } from './chat-writer';
import { isThinking } from './messages-to-chat';
import { argumentsOf, type ChatPart, type ChatPiece, type ChatUsage, saysNothing } from './read-chat';

const stopReasons: ReadonlyMap<string, string> = new Map([
  ['stop', 'end_turn'],
  ['length', 'max_tokens'],
  ['tool_calls', 'tool_use'],
  ['function_call', 'tool_use'],
  ['content_filter', 'refusal'],
]);

/** Nobody has signed what comes through chat, and so nobody is sent it again (`signed-parts.ts`). */
const unsigned = { type: 'thinking', signature: '' } as const;

/** A model that has been stopped by one of several texts does not say by which one there. */
function endOf(finish: string, kinds: ReadonlySet<ChatPiece['kind']>): object {
  const reason = stopReasons.get(finish) ?? 'end_turn';
  // Some providers say that they have stopped where they want a tool called.
  const stop = kinds.has('refusal') ? 'refusal' : kinds.has('call') && reason === 'end_turn' ? 'tool_use' : reason;
  return { stop_reason: stop, stop_sequence: null };
}

/** What was read from a cache is counted beside the input there. */
function usageOf(usage: ChatUsage | null): object {
  const [cached, written] = [usage?.cached ?? 0, usage?.cacheWritten ?? 0];
  return {
    input_tokens: Math.max(0, (usage?.input ?? 0) - cached - written),
    output_tokens: usage?.output ?? 0,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
  };
}

function messageOf({ id, model }: Pick<ChatPart, 'id' | 'model'>): object {
  return { id: id || 'msg', type: 'message', role: 'assistant', model };
}

function toolUse({ id, name, extra }: Extract<ChatPiece, { kind: 'call' }>, input: unknown): object {
  // What Gemini has signed is in a field of its own, which comes back with the block.
  return { type: 'tool_use', id, name, input, ...(isJson(extra) && { extra_content: extra }) };
}

export const messageWriter: Writer = {
  whole(part, body) {
    const { pieces, finish, usage } = part;
    const content: object[] = [];
    for (const piece of pieces) {
      if (piece.kind === 'thought' && isThinking(body)) content.push({ ...unsigned, thinking: piece.text });
      else if (piece.kind === 'text' || piece.kind === 'refusal') content.push({ type: 'text', text: piece.text });
      else if (piece.kind === 'call') content.push(toolUse(piece, inputOf(argumentsOf(pieces, piece))));
    }
    return {
      ...messageOf(part),
      content,
      ...endOf(finish ?? 'stop', new Set(pieces.map(({ kind }) => kind))),
      usage: usageOf(usage),
    };
  },

  stream(body) {
    let hasBegun = false;
    let blocks = 0;
    let open: { readonly kind: ChatPiece['kind']; readonly index: number } | null = null;
    const seen = new Set<ChatPiece['kind']>();
    const event = (type: string, more: object): StreamEvent => ({
      event: type,
      data: JSON.stringify({ type, ...more }),
    });
    const close = (): StreamEvent[] => {
      if (open === null) return [];
      open = null;
      return [event('content_block_stop', { index: blocks - 1 })];
    };
    const begin = (kind: ChatPiece['kind'], index: number, block: object): StreamEvent[] => {
      const closed = close();
      open = { kind, index };
      return [...closed, event('content_block_start', { index: blocks++, content_block: block })];
    };
    const delta = (said: object): StreamEvent => event('content_block_delta', { index: blocks - 1, delta: said });
    const eventsOf = (piece: ChatPiece): StreamEvent[] | null => {
      if (piece.kind === 'call') return begin('call', piece.index, toolUse(piece, {}));
      if (piece.kind === 'arguments') {
        if (open?.kind !== 'call' || open.index !== piece.index) return null;
        return [delta({ type: 'input_json_delta', partial_json: piece.text })];
      }
      if (piece.kind === 'thought') {
        // Whoever has not asked for them takes the first block for the answer.
        if (!isThinking(body)) return [];
        const begun = open?.kind === 'thought' ? [] : begin('thought', 0, { ...unsigned, thinking: '' });
        return [...begun, delta({ type: 'thinking_delta', thinking: piece.text })];
      }
      const begun = open?.kind === 'text' ? [] : begin('text', 0, { type: 'text', text: '' });
      return [...begun, delta({ type: 'text_delta', text: piece.text })];
    };
    return {
      showsThoughts: isThinking(body),
      part(part) {
        const events: StreamEvent[] = [];
        // Some say something of the prompt first, without an id and in no piece of an answer.
        if (!hasBegun && saysNothing(part)) return [];
        if (!hasBegun) {
          hasBegun = true;
          const empty = { content: [], stop_reason: null, stop_sequence: null, usage: usageOf(null) };
          events.push(event('message_start', { message: { ...messageOf(part), ...empty } }));
        }
        for (const piece of part.pieces) {
          seen.add(piece.kind);
          const said = eventsOf(piece);
          if (said === null) return null;
          events.push(...said);
        }
        return events;
      },
      end: (finish, usage) => [
        ...close(),
        event('message_delta', { delta: endOf(finish, seen), usage: usageOf(usage) }),
        event('message_stop', {}),
      ],
    };
  },
};

/** Arguments that are no JSON are left as they were written: whoever checks them is to see it. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text || '{}');
  } catch {
    return text;
  }
}
