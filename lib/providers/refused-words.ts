/**
 * What some providers of chat refuse that others demand: one of the two names for the most tokens of an answer, what a model has
 * thought in earlier turns, and metadata, by which a session may be named here. Whoever lets a model be chosen cannot know which it will be, so a provider that refuses a word is
 * asked without it.
 */
import { isJson, type Json, listOf, objectOf } from './any-json';
import { UpstreamError } from './upstream-error';

/** What is said otherwise; those of one kind undo each other. */
export interface Rewording {
  readonly kind: 'most-tokens' | 'thoughts' | 'metadata';
  /** Null where there is nothing to say otherwise. */
  reword(body: Json): Json | null;
  readonly words: readonly string[];
}

const renamed = (from: string, to: string): Rewording => ({
  ...{ kind: 'most-tokens', words: [from] },
  reword: ({ [from]: count, ...rest }) =>
    count === undefined || rest[to] !== undefined ? null : { ...rest, [to]: count },
});

const thoughtFields = ['reasoning_content', 'reasoning', 'reasoning_details'];

const withoutThoughts: Rewording = {
  kind: 'thoughts',
  words: thoughtFields,
  reword(body) {
    let hasAny = false;
    const messages = listOf(body['messages']).map((given) => {
      if (!isJson(given) || !thoughtFields.some((field) => given[field] !== undefined)) return given;
      hasAny = true;
      const { reasoning_content: _content, reasoning: _reasoning, reasoning_details: _details, ...rest } = given;
      return rest;
    });
    return hasAny ? { ...body, messages } : null;
  },
};

/** OpenAI takes it with answers that it is to keep alone, and others not at all. */
const withoutMetadata: Rewording = {
  ...{ kind: 'metadata', words: ['metadata'] },
  reword: ({ metadata, ...rest }) => (metadata === undefined || rest['store'] === true ? null : rest),
};

/** OpenAI's newer models refuse the older name, and others who speak its API do not know the newer one. */
const rewordings: readonly Rewording[] = [
  renamed('max_tokens', 'max_completion_tokens'),
  renamed('max_completion_tokens', 'max_tokens'),
  withoutThoughts,
  withoutMetadata,
];

/** Whether a body has any of the words at all. */
export function hasRefusable(body: string): boolean {
  return body.includes('"max_') || body.includes('"reasoning') || body.includes('"metadata"');
}

const refusals =
  /unsupported|extra_forbidden|\b(?:is|are|was) not (?:supported|permitted|allowed)|only allowed when|unrecognized|unknown|unexpected|additional properties/i;

/** How to say otherwise what a provider has refused as such; null where it finds something else wrong, such as a value. */
export function rewordingOf(error: unknown, body: string): Rewording | null {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) return null;
  const said = error.details.body ?? '';
  if (!refusals.test(said)) return null;
  const given = objectOf(JSON.parse(body));
  return (
    rewordings.find(({ words, reword }) => words.some((word) => said.includes(word)) && reword(given) !== null) ?? null
  );
}

/** The body as all of these have it. */
export function reworded(body: string, how: Iterable<Rewording>): string {
  let given: Json | null = null;
  for (const { reword } of how) given = reword(given ?? objectOf(JSON.parse(body))) ?? given;
  return given === null ? body : JSON.stringify(given);
}

/** The model that a body asks. */
export function modelIn(body: string): string {
  return String(objectOf(JSON.parse(body))['model']);
}
