/**
 * What some providers of chat refuse that others demand or take: one of the two names for the most tokens of an answer, the role of
 * instructions, what a model has thought in earlier turns, and fields that say nothing of the answer. Whoever lets a model be chosen
 * cannot know which it will be, so a provider that refuses a word is asked without it.
 */
import { isJson, type Json, listOf } from './any-json';
import { UpstreamError } from './upstream-error';

/** What is said otherwise; those of one kind undo each other. */
export interface Rewording {
  readonly kind: string;
  /** How a refusal names it. */
  readonly named: RegExp;
  /** Null where there is nothing to say otherwise. */
  reword(body: Json): Json | null;
}

const renamed = (from: string, to: string): Rewording => ({
  ...{ kind: 'most-tokens', named: new RegExp(`\\b${from}\\b`) },
  reword: ({ [from]: count, ...rest }) =>
    count === undefined || rest[to] !== undefined ? null : { ...rest, [to]: count },
});

/** Null where no message is changed. */
function withMessages(body: Json, change: (message: Json) => Json | null): Json | null {
  let isChanged = false;
  const messages = listOf(body['messages']).map((given) => {
    const changed = isJson(given) ? change(given) : null;
    isChanged ||= changed !== null;
    return changed ?? given;
  });
  return isChanged ? { ...body, messages } : null;
}

const thoughtFields = ['reasoning_content', 'reasoning', 'reasoning_details'];

const withoutThoughts: Rewording = {
  ...{ kind: 'thoughts', named: /\breasoning(?:_content|_details)?\b/ },
  reword: (body) =>
    withMessages(body, (message) => {
      const { reasoning_content: _content, reasoning: _reasoning, reasoning_details: _details, ...rest } = message;
      return thoughtFields.some((field) => message[field] !== undefined) ? rest : null;
    }),
};

const asSystem: Rewording = {
  ...{ kind: 'developer', named: /['"`]developer\b/ },
  reword: (body) =>
    withMessages(body, (message) => (message['role'] === 'developer' ? { ...message, role: 'system' } : null)),
};

/** The answer is the same without. */
const without = (field: string, named = new RegExp(`\\b${field}\\b`)): Rewording => ({
  ...{ kind: field, named },
  reword: ({ [field]: given, ...rest }) =>
    // Whoever wants an answer kept is not to believe that it is.
    given === undefined || given === true || (field === 'metadata' && rest['store'] === true) ? null : rest,
});

const rewordings: readonly Rewording[] = [
  // OpenAI's newer models refuse the older name, and others who speak its API do not know the newer one.
  renamed('max_tokens', 'max_completion_tokens'),
  renamed('max_completion_tokens', 'max_tokens'),
  ...[asSystem, withoutThoughts],
  // OpenAI takes it with answers that it is to keep alone, and others not at all.
  without('metadata'),
  ...['store', 'service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'].map((field) =>
    without(field),
  ),
  without('user', /['"`]user['"`]/),
];

const refusals =
  /unsupported|extra_forbidden|\b(?:is|are|was) not (?:supported|permitted|allowed)|only allowed when|unrecognized|unknown|unexpected|additional properties|must be one of|input should be/i;

/**
 * How to say otherwise what a provider has refused as such; null where it finds something else wrong, such as a value. Of `hints` any
 * refusal counts.
 */
export function rewordingOf(error: unknown, body: Json, hints: readonly string[] = []): Rewording | null {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) return null;
  const said = error.details.body ?? '';
  const hint = hints.map((field) => without(field)).find(({ named, reword }) => named.test(said) && reword(body));
  if (hint) return hint;
  if (!refusals.test(said)) return null;
  return rewordings.find(({ named, reword }) => named.test(said) && reword(body) !== null) ?? null;
}

/** The body as all of these have it. */
export function reworded(body: Json, how: Iterable<Rewording>): Json {
  let given = body;
  for (const { reword } of how) given = reword(given) ?? given;
  return given;
}
