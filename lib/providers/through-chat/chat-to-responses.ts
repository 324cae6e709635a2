/** From a chat completion to an answer of OpenAI's Responses API: in one piece, or event by event. */
import { isJson, type Json, listOf, objectOf } from '../any-json';
import type { StreamEvent } from '../upstream-call';
import type { Writer } from './chat-writer';
import { argumentsOf, type ChatPiece, type ChatUsage, saysNothing } from './read-chat';

/** Why an answer is incomplete, by how its completion ended. */
const incomplete: ReadonlyMap<string, string> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
]);

type Call = Extract<ChatPiece, { kind: 'call' }>;
type Shown = Exclude<ChatPiece, { kind: 'arguments' | 'thought' }>;

function textItem(id: string, kind: 'text' | 'refusal', text: string, status: string): Json {
  const part = kind === 'text' ? textPart(text) : { type: 'refusal', refusal: text };
  return { type: 'message', id, role: 'assistant', status, content: [part] };
}

function textPart(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function callItem(id: string, { id: callId, name, extra }: Call, text: string, status: string): Json {
  return {
    ...{ type: 'function_call', id, call_id: callId, name, arguments: text, status },
    // What Gemini has signed is in a field of its own, which comes back with the item.
    ...(isJson(extra) && { extra_content: extra }),
  };
}

function usageOf({ input, cached, cacheWritten, output, reasoning }: ChatUsage): object {
  return {
    ...{ input_tokens: input, input_tokens_details: detailsOf(cached, cacheWritten) },
    ...{ output_tokens: output, output_tokens_details: { reasoning_tokens: reasoning ?? 0 } },
    total_tokens: input + output,
  };
}

/** Where the provider has counted nothing: client libraries take no end of a stream without. It is read as no count at all. */
const uncounted: ChatUsage = { input: 0, cached: null, cacheWritten: null, output: 0, reasoning: null };

function detailsOf(cached: number | null, written: number | null): object {
  return { cached_tokens: cached ?? 0, ...(written !== null && { cache_write_tokens: written }) };
}

interface Label {
  readonly id: string;
  readonly model: string;
  readonly created: number;
}

/** The object that stands in answers and in the events of a stream; what was asked is repeated in it. */
function responseOf({ id, model, created }: Label, body: Json, more: object): object {
  const { format = { type: 'text' } } = objectOf(body['text']);
  const asked = (field: string, otherwise: unknown): object => ({ [field]: body[field] ?? otherwise });
  return {
    ...{ id, object: 'response', created_at: created, model, error: null, incomplete_details: null },
    ...{ ...asked('instructions', null), ...asked('max_output_tokens', null), ...asked('metadata', {}) },
    ...{ ...asked('temperature', null), ...asked('top_p', null), ...asked('user', null) },
    ...{ ...asked('tools', []), ...asked('tool_choice', 'auto'), ...asked('parallel_tool_calls', true) },
    // No provider keeps it, since it was asked for a completion: the gateway does.
    ...{ ...asked('previous_response_id', null), store: body['store'] !== false },
    ...{ background: false, truncation: 'disabled' },
    ...{ reasoning: { effort: objectOf(body['reasoning'])['effort'] ?? null, summary: null }, text: { format } },
    ...more,
  };
}

function endOf(finish: string, output: readonly Json[], usage: ChatUsage | null): { status: string } & Json {
  const reason = incomplete.get(finish);
  return {
    status: reason === undefined ? 'completed' : 'incomplete',
    ...(reason !== undefined && { incomplete_details: { reason } }),
    ...{ output, usage: usageOf(usage ?? uncounted) },
  };
}

/** Unlike ids that providers make, so that nobody takes them for theirs. */
function itemIdOf({ kind }: ChatPiece, index: number, id: string): string {
  return `${kind === 'call' ? 'fc' : 'msg'}_${index}_${id}`;
}

export const responseWriter: Writer = {
  whole(part, body, id) {
    const { pieces, finish, usage, model, created } = part;
    const label = { id, model, created };
    const output: Json[] = [];
    for (const piece of pieces) {
      const itemId = itemIdOf(piece, output.length, id);
      if (piece.kind === 'text' || piece.kind === 'refusal')
        output.push(textItem(itemId, piece.kind, piece.text, 'completed'));
      else if (piece.kind === 'call') output.push(callItem(itemId, piece, argumentsOf(pieces, piece), 'completed'));
    }
    return responseOf(label, body, endOf(finish ?? 'stop', output, usage));
  },

  stream(body, id) {
    let label: Label | null = null;
    let sequence = 0;
    const output: Json[] = [];
    let open: { readonly piece: Shown; readonly id: string; text: string } | null = null;
    const event = (type: string, more: object): StreamEvent => ({
      event: type,
      data: JSON.stringify({ type, sequence_number: sequence++, ...more }),
    });
    const itemOf = (status: 'in_progress' | 'completed'): Json => {
      const { piece, id, text } = open!;
      return piece.kind === 'call' ? callItem(id, piece, text, status) : textItem(id, piece.kind, text, status);
    };
    const place = (): object => ({ item_id: open!.id, output_index: output.length });
    const close = (): StreamEvent[] => {
      if (open === null) return [];
      const { piece, text } = open;
      const item = itemOf('completed');
      const inside = { ...place(), content_index: 0 };
      const [part] = listOf(item['content']);
      const events =
        piece.kind === 'call'
          ? [event('response.function_call_arguments.done', { ...place(), name: piece.name, arguments: text })]
          : [
              piece.kind === 'text'
                ? event('response.output_text.done', { ...inside, text, logprobs: [] })
                : event('response.refusal.done', { ...inside, refusal: text }),
              event('response.content_part.done', { ...inside, part }),
            ];
      events.push(event('response.output_item.done', { output_index: output.length, item }));
      output.push(item);
      open = null;
      return events;
    };
    const begin = (piece: Shown): StreamEvent[] => {
      const events = close();
      open = { piece, id: itemIdOf(piece, output.length, id), text: '' };
      const item = itemOf('in_progress');
      const [part] = listOf(item['content']);
      const bare = piece.kind === 'call' ? item : { ...item, content: [] };
      events.push(event('response.output_item.added', { output_index: output.length, item: bare }));
      if (piece.kind !== 'call')
        events.push(event('response.content_part.added', { ...place(), content_index: 0, part }));
      return events;
    };
    const eventsOf = (piece: ChatPiece): StreamEvent[] | null => {
      if (piece.kind === 'thought') return [];
      if (piece.kind === 'call') return begin(piece);
      if (piece.kind === 'arguments') {
        if (open?.piece.kind !== 'call' || open.piece.index !== piece.index) return null;
        open.text += piece.text;
        return [event('response.function_call_arguments.delta', { ...place(), delta: piece.text })];
      }
      const begun = open?.piece.kind === piece.kind ? [] : begin(piece);
      open!.text += piece.text;
      const inside = { ...place(), content_index: 0, delta: piece.text };
      const said =
        piece.kind === 'text'
          ? event('response.output_text.delta', { ...inside, logprobs: [] })
          : event('response.refusal.delta', inside);
      return [...begun, said];
    };
    return {
      showsThoughts: false,
      part(part) {
        const events: StreamEvent[] = [];
        // Some say something of the prompt first, without an id and in no piece of an answer.
        if (label === null && saysNothing(part)) return [];
        if (label === null) {
          label = { id, model: part.model, created: part.created };
          const response = responseOf(label, body, { status: 'in_progress', output: [], usage: null });
          events.push(event('response.created', { response }), event('response.in_progress', { response }));
        }
        for (const piece of part.pieces) {
          const said = eventsOf(piece);
          if (said === null) return null;
          events.push(...said);
        }
        return events;
      },
      end(finish, usage) {
        const events = close();
        const ended = endOf(finish, output, usage);
        return [...events, event(`response.${ended.status}`, { response: responseOf(label!, body, ended) })];
      },
    };
  },
};
