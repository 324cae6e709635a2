/**
 * Writes lib/providers/capability-list.ts anew from the list of models in a release of LiteLLM, which
 * `make known-capabilities VERSION=1.110.2` fetches. Arguments: the list and the version it is of.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './infra-file';

/** Our names of providers by the list's. */
const providers = new Map([
  ['openai', 'openai'],
  ['anthropic', 'anthropic'],
  ['gemini', 'google'],
  ['mistral', 'mistral'],
  ['groq', 'groq'],
  ['deepseek', 'deepseek'],
  ['together_ai', 'together'],
  ['xai', 'xai'],
]);
/** What the doors of the gateway ask for by themselves, by the list's words. */
const capabilities = [
  ['supports_function_calling', 'tools'],
  ['supports_vision', 'vision'],
  ['supports_response_schema', 'json'],
  ['supports_audio_input', 'audio'],
] as const;

const [file, version] = process.argv.slice(2);
if (file === undefined || version === undefined) throw new Error('usage: known-capabilities.ts FILE VERSION');
const listed = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, unknown>>;
/** By provider: models by what they can do. */
const groups = new Map([...providers.values()].map((name) => [name, new Map<string, string[]>()]));
for (const [id, fields] of Object.entries(listed)) {
  const theirs = String(fields['litellm_provider']);
  const groupsOfProvider = groups.get(providers.get(theirs) ?? '');
  const isForChat = ['chat', 'responses', undefined].includes(fields['mode'] as string | undefined);
  // Where it says nothing of any of them, it does not say that a model can do nothing.
  const isKnown = capabilities.some(([word]) => fields[word] !== undefined);
  if (!groupsOfProvider || !isForChat || !isKnown || id.startsWith('ft:')) continue;
  const able = capabilities.flatMap(([word, ours]) => (fields[word] === true ? [ours] : [])).join(' ');
  const model = id.startsWith(`${theirs}/`) ? id.slice(theirs.length + 1) : id;
  groupsOfProvider.set(able, [...(groupsOfProvider.get(able) ?? []), model]);
}
const rows = [...groups].flatMap(([provider, byAbility]) =>
  [...byAbility].sort().map(([able, models]) => ({ provider, able, models: models.sort().join(' ') })),
);
const output = join(projectRoot, 'lib/providers/capability-list.ts');
writeFileSync(
  output,
  `/**
 * What models can do, by provider, as LiteLLM publishes it (MIT License, Copyright 2023 Berri AI). Written by
 * infra/known-capabilities.ts; not edited by hand.
 */
export const capabilitySource = { name: 'litellm', version: '${version}', readOn: '${new Date().toISOString().slice(0, 10)}' } as const;

/** Lists of words, divided by spaces. */
export const capabilityList: readonly { readonly provider: string; readonly able: string; readonly models: string }[] =
  ${JSON.stringify(rows)};
`,
);
execFileSync(join(projectRoot, 'node_modules/.bin/biome'), ['format', '--write', output], { stdio: 'inherit' });
