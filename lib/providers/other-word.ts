/**
 * The most tokens of an answer have two names in chat: OpenAI's newer models refuse the older one, and others who speak its API do
 * not know the newer one. Whoever lets a model be chosen cannot know which it will be.
 */
import { isJson, type Json, objectOf } from './any-json';
import { UpstreamError } from './upstream-error';

const words = ['max_tokens', 'max_completion_tokens'] as const;
export type TokensWord = (typeof words)[number];

/** The word that the body has; null where it has none, or both. */
function wordIn(body: Json): TokensWord | null {
  const found = words.filter((word) => Object.hasOwn(body, word));
  return found.length === 1 ? found[0]! : null;
}

const refusals =
  /unsupported[_ ]parameter|extra_forbidden|(?:is|are|was) not (?:supported|permitted|allowed)|unrecognized|unknown|unexpected/i;

/** The word of a body that a provider refuses as such; null where it finds something else wrong, such as its value. */
export function refusedWord(error: unknown, body: string): TokensWord | null {
  if (!(error instanceof UpstreamError) || !error.details.isRequestFault) return null;
  const said = error.details.body ?? '';
  if (!words.some((word) => said.includes(word)) || !refusals.test(said)) return null;
  const word = wordIn(objectOf(JSON.parse(body)));
  return word !== null && said.includes(word) ? word : null;
}

/** The body in the other word; null where it does not have `refused`. */
export function inOtherWord(body: string, refused: TokensWord): string | null {
  if (!body.includes(`"${refused}"`)) return null;
  const given: unknown = JSON.parse(body);
  if (!isJson(given) || wordIn(given) !== refused) return null;
  const { [refused]: count, ...rest } = given;
  return JSON.stringify({ ...rest, [words.find((word) => word !== refused)!]: count });
}

/** The model that a body asks. */
export function modelIn(body: string): string {
  return String(objectOf(JSON.parse(body))['model']);
}
