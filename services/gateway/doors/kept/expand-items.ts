/**
 * Bodies of the Responses API that refer to what was said before, made whole where that is kept here: so that every model can go on
 * from it. Whoever keeps an item under its name is sent the name, as the caller has written it.
 */
import { isJson, type Json, listOf, objectOf, textOf } from '../../../../lib/providers/any-json';
import { invalidField } from '../../http/http-error';
import { spliceBody } from '../splice-body';
import type { FoundEntry, KeptEntry, KeptItems } from './kept-items';

export interface ExpandedBody {
  /** With everything that is kept here written out. */
  readonly whole: Json;
  /** The response of our own that it goes on from, which is written out in it; null where there is none. */
  readonly goesOnFrom: string | null;
  /** The text of the body for a provider of this name. */
  textFor(provider: string): string;
}

/** Names that the gateway gives itself (`through-chat`): no provider knows them. */
export const ownResponse = 'resp_qr_';
/** Responses that go on from one another. */
const maxTurns = 1_000;
const maxItems = 10_000;

export interface ExpandParts {
  readonly kept: KeptItems;
  /** Whether two providers are one account. */
  readonly isSame: (one: string, other: string) => boolean;
  /** Of what is put into a body, in bytes: a short one may name something long many times. */
  readonly maxSize: number;
}

/** Null where a body refers to nothing. Throws an HttpError where it goes on from a response of our own that is not kept any more. */
export async function expandItems(
  { body, text }: { readonly body: unknown; readonly text: string },
  tenantId: string | null,
  { kept, isSame, maxSize }: ExpandParts,
): Promise<ExpandedBody | null> {
  if (!isJson(body)) return null;
  const previous = textOf(body['previous_response_id']);
  const isOwn = previous.startsWith(ownResponse);
  const given = listOf(body['input']);
  const names = given.map(referenceIn).filter((name) => name !== null);
  if (!isOwn && names.length === 0) return null;
  const tooLong = (): Error =>
    invalidField(isOwn ? 'previous_response_id' : 'input', 'the conversation is too long to be gone on from');
  if (given.length > maxItems) throw tooLong();
  const found = await kept.find(tenantId, names, maxSize);
  if (found === null) throw tooLong();
  const foreign = await kept.nameOfOthers(
    tenantId,
    names.filter((name) => !found.has(name)),
  );
  if (foreign !== null)
    throw invalidField(
      `input[${given.findIndex((item) => referenceIn(item) === foreign)}].id`,
      'nothing of that name was said to you',
    );
  const referred = names.reduce((sum, name) => sum + (found.get(name)?.size ?? 0), 0);
  if (referred > maxSize) throw tooLong();
  const before = isOwn ? await conversationBefore(previous, tenantId, { kept, maxSize: maxSize - referred }) : nothing;
  if (before === 'gone')
    throw invalidField(
      'previous_response_id',
      'what was said there is not kept here any more, or was not said to you: send the conversation whole',
    );
  if (before === 'too long') throw tooLong();
  const said = before.flatMap(({ entry }) => saidIn(entry));
  if (said.length + given.length > maxItems) throw tooLong();
  if (!isOwn && found.size === 0) return null;

  const inputFor = (provider: string | null): unknown[] => {
    const itemsFor = (item: unknown): readonly unknown[] => {
      const name = referenceIn(item);
      const entry = name === null ? undefined : found.get(name);
      if (!entry) return [item];
      const { provider: keeper } = entry;
      return provider !== null && keeper !== null && isSame(keeper, provider) ? [item] : entry.items;
    };
    const own =
      typeof body['input'] === 'string' ? [{ role: 'user', content: body['input'] }] : given.flatMap(itemsFor);
    return [...said, ...own];
  };
  const { previous_response_id: _previous, ...others } = body;
  return {
    whole: { ...(isOwn ? others : body), input: inputFor(null) },
    goesOnFrom: isOwn ? previous : null,
    textFor: (provider) => spliceBody(text, { input: inputFor(provider) }, isOwn ? ['previous_response_id'] : []),
  };
}

const nothing: readonly Turn[] = [];

/** A response that the gateway keeps, by its name. */
export interface Turn {
  readonly name: string;
  readonly entry: FoundEntry;
}

/** What was said up to this response, and in it: the oldest first. */
export async function conversationBefore(
  name: string,
  tenantId: string | null,
  { kept, maxSize }: Pick<ExpandParts, 'kept' | 'maxSize'>,
): Promise<readonly Turn[] | 'gone' | 'too long'> {
  const turns: Turn[] = [];
  let left = maxSize;
  for (let at: string | null = name; at !== null; ) {
    const found = await kept.find(tenantId, [at], left);
    if (found === null || turns.length >= maxTurns) return 'too long';
    const entry: FoundEntry | undefined = found.get(at);
    if (!entry) return 'gone';
    turns.push({ name: at, entry });
    left -= entry.size;
    at = entry.previous;
  }
  const names = turns.flatMap(({ entry }) => entry.items.map(referenceIn)).filter((one) => one !== null);
  if (names.length === 0) return turns.reverse();
  const found = await kept.find(tenantId, names, left);
  if (found === null || names.reduce((sum, one) => sum + (found.get(one)?.size ?? 0), 0) > left) return 'too long';
  if (names.some((one) => !found.has(one))) return 'gone';
  const writtenOut = (item: Json): readonly Json[] => found.get(referenceIn(item) ?? '')?.items ?? [item];
  return turns
    .reverse()
    .map((turn) => ({ ...turn, entry: { ...turn.entry, items: turn.entry.items.flatMap(writtenOut) } }));
}

/** What was asked and answered, as the next one is sent it. */
function saidIn({ items, response }: KeptEntry): Json[] {
  return [...items, ...listOf(response?.['output']).filter(isJson).flatMap(saidOf)];
}

function referenceIn(item: unknown): string | null {
  const { type, id } = objectOf(item);
  return type === 'item_reference' && typeof id === 'string' && id.length <= 500 ? id : null;
}

/** What an answer has said, by the names that it is referred to by. */
export function entriesOf(answer: {
  /** As it came. */
  readonly response: Json;
  /** Who keeps it; null where nobody does. */
  readonly provider: string | null;
  /** What was asked, as it was sent. */
  readonly body: Json;
}): Map<string, KeptEntry> {
  const { response, provider, body } = answer;
  const entries = new Map<string, KeptEntry>();
  for (const item of listOf(response['output']).filter(isJson)) {
    const name = textOf(item['id']);
    if (name !== '') entries.set(name, { provider, previous: null, items: saidOf(item), response: null });
  }
  const id = textOf(response['id']);
  // A provider goes on from its own responses by itself, and is asked for them.
  if (!id.startsWith(ownResponse)) return entries;
  const input = body['input'];
  const given = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input).filter(isJson);
  const previous = textOf(body['previous_response_id']);
  return entries.set(id, {
    ...{ provider, previous: previous.startsWith(ownResponse) ? previous : null },
    ...{ items: given, response },
  });
}

/**
 * As a caller writes it who sends it himself: names are for who keeps them, and thoughts can be read by nobody else.
 */
function saidOf(item: Json): Json[] {
  const { id: _id, status: _status, ...said } = item;
  if (said['type'] === 'reasoning') return [];
  if (said['type'] !== 'message') return [said];
  const content = listOf(said['content'])
    .filter(isJson)
    .map(({ type, text, refusal }) => (type === 'refusal' ? { type, refusal } : { type: 'output_text', text }));
  return [{ role: 'assistant', content }];
}
