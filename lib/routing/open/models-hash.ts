/** One short text in place of the names of all candidates. */
import { hash } from 'node:crypto';

/** Of the last request, whose candidates the next one has in nearly all cases. */
let last: { readonly models: readonly string[]; readonly hash: string } = { models: [], hash: '' };

/** 44 characters: a hash of the names in their order. */
export function modelsHash(candidates: readonly { readonly model: string }[]): string {
  if (candidates.length === last.models.length && candidates.every(({ model }, i) => model === last.models[i]))
    return last.hash;
  const models = candidates.map(({ model }) => model);
  last = { models, hash: hash('sha256', JSON.stringify(models), 'base64') };
  return last.hash;
}
