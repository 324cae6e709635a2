/**
 * Bodies of the Responses API that refer to what was said before, made whole where that is kept here: so that every model can go on
 * from it. Whoever keeps an item under its name is sent the name, as the caller has written it.
 */
import { isJson, type Json, listOf, objectOf, textOf } from '../../../lib/providers/any-json';
import { invalidField } from '../http-error';
import type { FoundEntry, KeptEntry, KeptItems } from './kept-items';
import { spliceBody } from './splice-body';

export interface ExpandedBody {
  /** With everything that is kept here written out. */
  readonly whole: Json;
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

/**
 * Null where a body refers to nothing. Throws an HttpError where it goes on from a
 * response of our own that is not kept any more.
 */
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
  if (before === 'too long' || before.length + given.length > maxItems) throw tooLong();
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
    return [...before, ...own];
  };
  const { previous_response_id: _previous, ...others } = body;
  return {
    whole: { ...(isOwn ? others : body), input: inputFor(null) },
    textFor: (provider) => spliceBody(text, { input: inputFor(provider) }, isOwn ? ['previous_response_id'] : []),
  };
}

const nothing: readonly Json[] = [];

/** What was said up to this response. */
async function conversationBefore(
  name: string,
  tenantId: string | null,
  { kept, maxSize }: Pick<ExpandParts, 'kept' | 'maxSize'>,
): Promise<readonly Json[] | 'gone' | 'too long'> {
  const turns: (readonly Json[])[] = [];
  let left = maxSize;
  for (let at: string | null = name; at !== null; ) {
    const found = await kept.find(tenantId, [at], left);
    if (found === null || turns.length >= maxTurns) return 'too long';
    const entry: FoundEntry | undefined = found.get(at);
    if (!entry) return 'gone';
    turns.push(entry.items);
    left -= entry.size;
    at = entry.previous;
  }
  return turns.reverse().flat();
}

function referenceIn(item: unknown): string | null {
  const { type, id } = objectOf(item);
  return type === 'item_reference' && typeof id === 'string' && id.length <= 500 ? id : null;
}

/** What an answer has said, by the names that it is referred to by. */
export function entriesOf(answer: {
  readonly id: string | null;
  readonly output: readonly unknown[];
  /** Who keeps it; null where nobody does. */
  readonly provider: string | null;
  /** What was asked, as it was sent. */
  readonly body: Json;
}): Map<string, KeptEntry> {
  const { id, output, provider, body } = answer;
  const entries = new Map<string, KeptEntry>();
  for (const item of output.filter(isJson)) {
    const name = textOf(item['id']);
    if (name !== '') entries.set(name, { provider, previous: null, items: saidOf(item) });
  }
  const input = body['input'];
  const given = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input).filter(isJson);
  // Whoever refers to single items keeps the conversation himself; a provider goes on from its own responses by itself.
  const isWhole = given.every((item) => referenceIn(item) === null);
  if (id?.startsWith(ownResponse) && isWhole) {
    const previous = textOf(body['previous_response_id']);
    const items = [...given, ...output.filter(isJson).flatMap(saidOf)];
    entries.set(id, { provider, previous: previous.startsWith(ownResponse) ? previous : null, items });
  }
  return entries;
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
