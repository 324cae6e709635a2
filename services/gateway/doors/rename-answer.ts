/** The id of an answer becomes the decision's, so that any gateway takes feedback by it. */
import type { ApiName } from '../../../lib/config/provider-config';

/** Ids of the Responses API stay: their provider is asked for them again. */
export function renames(api: ApiName): boolean {
  return api === 'chat' || api === 'messages';
}

/** Renames only the field itself: the first one of this name with this value. Every piece of a stream has the same. */
export function renamerTo(decisionId: string): (text: string, from: string | null) => string {
  const to = JSON.stringify(decisionId);
  let from: string | null = null;
  let value = '';
  return (text, given) => {
    if (given === null) return text;
    if (given !== from) {
      from = given;
      value = JSON.stringify(given);
    }
    // A provider may write the value with other escapes than we do; then it stays.
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1))
      if (isValueOfId(text, at)) return text.slice(0, at) + to + text.slice(at + value.length);
    return text;
  };
}

/** Whether what begins at `at` is the value of a field `id`. */
function isValueOfId(text: string, at: number): boolean {
  const colon = lastSolid(text, at);
  if (text[colon] !== ':') return false;
  const quote = lastSolid(text, colon);
  return text.startsWith('"id"', quote - 3);
}

/** Where the last character before `end` stands that is no white space; -1 where there is none. */
function lastSolid(text: string, end: number): number {
  let at = end - 1;
  while (at >= 0 && ' \t\r\n'.includes(text[at]!)) at--;
  return at;
}
