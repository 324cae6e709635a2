import { capabilityList } from '../../../lib/providers/capability-list';
import { knownCapabilitiesOf, listedCapabilitiesOf } from '../../../lib/providers/known-capabilities';
import { knownProviders } from '../../../lib/providers/known-providers';

test.each([
  ['gpt-4o-mini', 'openai', ['tools', 'vision', 'json']],
  // Under the name of one of its versions it can do the same.
  ['gpt-4o-mini-2099-01-01', 'openai', ['tools', 'vision', 'json']],
  ['claude-sonnet-4-5-20250929', 'anthropic', ['tools', 'vision', 'json']],
  ['gemini-2.5-flash', 'google', ['tools', 'vision', 'json', 'audio']],
  ['deepseek-chat', 'deepseek', ['tools', 'json']],
  // Of nobody else's model of that name.
  ['gpt-4o-mini', 'groq', null],
  ['brand-new', 'openai', null],
  ['gpt-4o-mini', 'nobody', null],
  ['constructor', 'openai', null],
  ['', 'openai', null],
])('what %s of %s can do', (model, provider, expected) => {
  expect(knownCapabilitiesOf(model, provider)).toEqual(expected);
});

test('every provider of the list is one that init knows', () => {
  const names = knownProviders.map(({ name }) => name);
  for (const { provider } of capabilityList) expect(names).toContain(provider);
});

test.each([
  [
    { architecture: { input_modalities: ['text', 'image'] }, supported_parameters: ['tools', 'structured_outputs'] },
    ['tools', 'vision', 'json'],
  ],
  [{ architecture: { input_modalities: ['text', 'audio'] }, supported_parameters: [] }, ['audio']],
  [{ architecture: {}, supported_parameters: ['tools'] }, ['tools']],
  [{ architecture: { input_modalities: 'image' }, supported_parameters: [null, 'tools'] }, ['tools']],
  [{ id: 'a' }, null],
  [{ architecture: null, supported_parameters: ['tools'] }, null],
  [{ architecture: { input_modalities: ['image'] } }, null],
])('what an entry of a provider says: %j', (entry, expected) => {
  expect(listedCapabilitiesOf(entry as never)).toEqual(expected);
});
