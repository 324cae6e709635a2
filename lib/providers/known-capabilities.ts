/** What models can do: as their provider lists it, or as a published list has it. Whatever neither knows is unknown: nothing is guessed. */
import { isJson, type Json, listOf, objectOf } from './any-json';
import { capabilityList } from './capability-list';

export { capabilitySource } from './capability-list';

/** By provider and model. */
const known = new Map<string, Map<string, readonly string[]>>();
for (const { provider, able, models } of capabilityList) {
  const ofProvider = known.get(provider) ?? new Map<string, readonly string[]>();
  known.set(provider, ofProvider);
  const words = able.split(' ').filter((word) => word !== '');
  for (const model of models.split(' ')) ofProvider.set(model, words);
}

/** `tools`, `vision`, `json` and `audio`, those of them that the model has; null for a model that the list does not have. */
export function knownCapabilitiesOf(model: string, provider: string): readonly string[] | null {
  const ofProvider = known.get(provider);
  return ofProvider?.get(model) ?? ofProvider?.get(model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8})$/, '')) ?? null;
}

/** From an entry of a provider's own list, where it tells what a model reads and which parameters it takes (OpenRouter); else null. */
export function listedCapabilitiesOf(entry: Json): readonly string[] | null {
  const { architecture, supported_parameters: parameters } = entry;
  if (!isJson(architecture) || !Array.isArray(parameters)) return null;
  const inputs = listOf(objectOf(architecture)['input_modalities']);
  return [
    ...(parameters.includes('tools') ? ['tools'] : []),
    ...(inputs.includes('image') ? ['vision'] : []),
    ...(parameters.includes('structured_outputs') ? ['json'] : []),
    ...(inputs.includes('audio') ? ['audio'] : []),
  ];
}
