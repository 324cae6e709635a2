/**
 * Responses that came through chat, which no provider keeps: read again, listed and deleted as their provider would have it done, from
 * what the gateway has kept of them.
 */
import { isJson, type Json, listOf, textOf } from '../../../../lib/providers/any-json';
import { HttpError, invalidField } from '../../http/http-error';
import { conversationBefore, type Turn } from './expand-items';
import type { KeptItems } from './kept-items';

/** What is asked of a response: a method, and what its path ends in behind the id. */
export interface KeptResponseAction {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly suffix: '' | '/cancel' | '/input_items';
}

export interface OwnResponseCall {
  readonly action: KeptResponseAction;
  readonly tenantId: string | null;
  readonly id: string;
  readonly query: URLSearchParams;
  /** Of all that is read for it, in bytes. */
  readonly maxSize: number;
}

const defaultLimit = 20;
const maxLimit = 100;

/** Null where nothing of this name is kept here for this tenant. Throws `not_ready` where that cannot be known now. */
export async function answerOwnResponse(items: KeptItems, call: OwnResponseCall): Promise<object | null> {
  const { action, tenantId, id, query, maxSize } = call;
  const kept = throwingWhereAway(items);
  const entry = (await kept.find(tenantId, [id], maxSize))?.get(id);
  const response = entry?.provider === null ? entry.response : null;
  if (!entry || response === null) return null;
  if (action.method === 'DELETE') {
    await forget(kept, tenantId, id, response);
    return { id, object: 'response', deleted: true };
  }
  const notInBackground = 'only what was asked for with background: true';
  if (action.suffix === '/cancel') throw invalidField('id', `${notInBackground} can be cancelled`);
  if (action.suffix === '/input_items') return listItems(kept, call);
  if (query.get('stream') === 'true') throw invalidField('stream', `${notInBackground} can be streamed again`);
  return response;
}

/** The same, but that `find` rejects where what it does not find may be kept all the same. */
function throwingWhereAway(kept: KeptItems): KeptItems {
  return {
    ...kept,
    async find(tenantId, names, maxSize) {
      let isAway = false;
      const found = await kept.find(tenantId, names, maxSize, () => {
        isAway = true;
      });
      if (isAway && found !== null && names.some((name) => !found.has(name)))
        throw new HttpError(
          'not_ready',
          'what is kept of responses cannot be looked up at the moment; try again later',
        );
      return found;
    },
  };
}

async function forget(kept: KeptItems, tenantId: string | null, id: string, response: Json): Promise<void> {
  const items = listOf(response['output']).filter(isJson);
  try {
    // Itself as the last: while it is there, all of it can be deleted once more.
    await kept.forget(tenantId, [...items.map((item) => textOf(item['id'])).filter((name) => name !== ''), id]);
  } catch {
    throw new HttpError('not_ready', 'it could not be deleted everywhere; try again later');
  }
}

/** With what was said in the responses that it went on from, as the model was sent it. */
async function listItems(kept: KeptItems, call: OwnResponseCall): Promise<object> {
  const { tenantId, id, query, maxSize } = call;
  const limit = Number(query.get('limit') ?? defaultLimit);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw invalidField('limit', `must be a whole number from 1 to ${maxLimit}`);
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw invalidField('order', 'must be asc or desc');
  const turns = await conversationBefore(id, tenantId, { kept, maxSize });
  if (typeof turns === 'string')
    throw invalidField(
      'id',
      turns === 'gone' ? 'what it went on from is not kept any more' : 'it is too long to be listed',
    );
  const items: Json[] = [];
  const names = new Set<unknown>();
  for (const turn of turns) {
    const said = turn.name === id ? [] : listOf(turn.entry.response?.['output']).filter(isJson);
    for (const item of [...askedIn(turn, names), ...said]) {
      names.add(item['id']);
      items.push(item);
    }
  }
  if (order === 'desc') items.reverse();
  const after = query.get('after');
  const from = after === null ? 0 : items.findIndex((item) => item['id'] === after) + 1;
  if (after !== null && from === 0) throw invalidField('after', 'no item of that name is in this list');
  const data = items.slice(from, from + limit);
  return {
    ...{ object: 'list', data, has_more: from + limit < items.length },
    ...{ first_id: data[0]?.['id'] ?? null, last_id: data.at(-1)?.['id'] ?? null },
  };
}

/**
 * As the API lists them: each with a name, messages with parts. Those that are in `names` stand for others, and theirs come to them: pages go on
 * behind a name, and callers may send an item again that was said before.
 */
function askedIn({ name, entry }: Turn, names: Set<unknown>): Json[] {
  return entry.items.map((item, index) => {
    const { type = 'message', content, role } = item;
    const given = textOf(item['id']);
    const isFree = given !== '' && !names.has(given);
    const id = isFree ? given : `${type === 'message' ? 'msg' : 'item'}_in_${index}_${name}`;
    names.add(id);
    if (type !== 'message') return { ...item, id };
    const partType = role === 'assistant' ? 'output_text' : 'input_text';
    const parts = typeof content === 'string' ? [{ type: partType, text: content }] : content;
    return { ...item, type, id, status: 'completed', content: parts };
  });
}
