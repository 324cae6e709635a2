/** The id of an answer becomes the decision's, so that any gateway takes feedback by it. */
import type { ApiName } from '../../../lib/config/provider-config';

/** Ids of the Responses API stay: their provider is asked for them again. */
export function renames(api: ApiName): boolean {
  return api === 'chat' || api === 'messages';
}

/** Renames only the field itself: the first one of this name with this value. Every piece of a stream has the same. */
export function renamerTo(decisionId: string): (text: string, from: string | null) => string {
  let made: { readonly from: string; readonly value: string; readonly pattern: RegExp } | null = null;
  return (text, from) => {
    if (from === null) return text;
    if (made?.from !== from) {
      const value = JSON.stringify(from);
      const pattern = new RegExp(`("id"\\s*:\\s*)${value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
      made = { from, value, pattern };
    }
    if (!text.includes(made.value)) return text;
    return text.replace(made.pattern, (_all, field: string) => field + JSON.stringify(decisionId));
  };
}
