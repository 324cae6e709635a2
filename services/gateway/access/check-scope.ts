/** What a key may use of what its role may: models, presets, sources of feedback. */

import { HttpError } from '../http/http-error';
import type { Asker } from './who-is-asking';

/** Of these models those it may use; all where it says nothing. */
export function modelsInScope({ models }: Asker, among: readonly string[]): readonly string[] {
  return models === null ? among : among.filter((name) => models.includes(name));
}

/** Whether a key covers what a call names as its model: a model, `auto`, or `auto/<preset>`. */
export function isInScope({ models, presets }: Asker, model: string): boolean {
  const preset = model === 'auto' ? 'auto' : model.startsWith('auto/') ? model.slice('auto/'.length) : null;
  return preset === null ? (models?.includes(model) ?? true) : (presets?.includes(preset) ?? true);
}

/** Throws an HttpError for a model, `auto` or a preset that the key does not cover. */
export function refuseOutOfScope(asker: Asker, model: string): void {
  if (!isInScope(asker, model))
    throw new HttpError('forbidden', `model: this key may not use "${model.slice(0, 100)}"`, 'model');
}

/** Limits of a request with the models that the key covers. Throws an HttpError where none is left. */
export function allowedInScope(
  asker: Asker,
  allowedModels: readonly string[],
  configured: readonly string[],
): string[] {
  if (asker.models === null) return [...allowedModels];
  const covered = modelsInScope(asker, allowedModels.length > 0 ? allowedModels : configured);
  if (covered.length === 0)
    throw new HttpError(
      'forbidden',
      'limits.allowedModels: this key may use none of these models',
      'limits.allowedModels',
    );
  return [...covered];
}

/** What stands in the schema for a source that was not given. */
const unnamed = 'unknown';

/** The source of a report: bound to the key, whatever the report says. */
export function sourceOf({ sources }: Asker, given: string): string {
  if (sources === null) return given;
  const [first] = sources;
  if (given === unnamed && first !== undefined) return first;
  if (sources.includes(given)) return given;
  throw new HttpError(
    'forbidden',
    `source: this key reports as ${sources.map((source) => `"${source}"`).join(' or ')}`,
    'source',
  );
}
