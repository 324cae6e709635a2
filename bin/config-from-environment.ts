/** A configuration from the keys that an environment has: which providers there are, which models they list, at what price. */
import { foundConfigYaml, type WrittenModel } from '../lib/config/init-config';
import { dictionaryOf } from '../lib/dictionary';
import { capabilitySource, knownCapabilitiesOf } from '../lib/providers/known-capabilities';
import { knownPriceOf, priceSource } from '../lib/providers/known-price';
import { type KnownProvider, knownProviders } from '../lib/providers/known-providers';
import { chooseModels, listModels } from '../lib/providers/list-models';
import { CliError, type Io, say } from './io';

/** Models of one provider: a list of hundreds would take for ever to learn about. */
const maxPerProvider = 16;

interface Found {
  readonly provider: KnownProvider;
  readonly keyName: string;
  readonly models: readonly WrittenModel[];
}

/** Throws a CliError where there is no key, or no provider answers. Says what was found, and never a key. */
export async function configFromEnvironment(io: Io): Promise<string> {
  const withKeys = knownProviders.flatMap((provider) => {
    const keyName = provider.keyNames.find((name) => (io.environment[name]?.trim() ?? '') !== '');
    return keyName === undefined ? [] : [{ provider: atOwnAddress(provider, io.environment), keyName }];
  });
  if (withKeys.length === 0) {
    const names = knownProviders.flatMap(({ keyNames }) => keyNames).join(', ');
    throw new CliError(`the environment has no key of a provider that is known here (${names})`);
  }
  const asked = await Promise.all(withKeys.map((one) => ask(io, one)));
  const found = asked.filter((one) => one !== null);
  if (found.length === 0) throw new CliError('none of the providers has listed its models: see above');
  const models = distinct(found);
  return foundConfigYaml(
    intro,
    models,
    dictionaryOf(found.map((one) => [one.provider.name, providerFields(one)] as const)),
  );
}

const intro = `# Quantum Router: configuration, made from the keys in an environment by \`quantum-router init --from-env\`.
#
# Run it:    quantum-router serve --config FILE
# Prices are from ${priceSource.name} ${priceSource.version} of ${priceSource.publishedOn}: CHECK THEM. Where it has none, the price is left out
# and says so: costs of such a model are unknown. What models can do is from their provider, or from ${capabilitySource.name} ${capabilitySource.version}
# (read on ${capabilitySource.readOn}); of which nobody says it, capabilities are null: such a model is tried with everything, and passed over
# when its provider refuses. Latency and quality are the defaults, until outcomes say better.
`;

function atOwnAddress(provider: KnownProvider, environment: Io['environment']): KnownProvider {
  const given = environment[provider.baseUrlName]?.trim().replace(/\/+$/, '');
  if (!given) return provider;
  // The libraries of Anthropic and Google take the address without the version.
  const isVersioned = /\/v\d+\w*$/.test(given);
  const version = provider.kind === 'anthropic' ? '/v1' : provider.kind === 'gemini' ? '/v1beta' : '';
  const baseUrl = isVersioned ? given : given + version;
  return { ...provider, baseUrl };
}

async function ask(io: Io, { provider, keyName }: Omit<Found, 'models'>): Promise<Found | null> {
  const { name, priceId } = provider;
  const listed = await listModels(provider, io.environment[keyName]!.trim());
  if (!listed.ok) {
    say(io.stderr, `${name} (${keyName}): left out, its models cannot be listed: ${listed.reason}`);
    return null;
  }
  const hasPrice = (model: string): boolean => knownPriceOf(model, priceId) !== null;
  const { chosen, leftOut } = chooseModels(listed.models, hasPrice, maxPerProvider);
  const unknown = chosen.filter((model) => !hasPrice(model)).length;
  say(io.stderr, `${name} (${keyName}): ${chosen.length} models, ${unknown} of unknown price; ${leftOut} left out`);
  return chosen.length === 0
    ? null
    : { provider, keyName, models: chosen.map((model) => written(model, provider, listed.capabilities)) };
}

function written(
  model: string,
  { name, priceId }: KnownProvider,
  listed: ReadonlyMap<string, readonly string[]>,
): WrittenModel {
  const known = knownPriceOf(model, priceId);
  const { contextTokens = null, ...price } = known ?? {};
  const capabilities = listed.get(model) ?? knownCapabilitiesOf(model, name);
  const withoutPrice = capabilities === null ? 'Price and capabilities unknown.' : 'Price unknown.';
  const withPrice = capabilities === null ? 'Capabilities unknown.' : null;
  return {
    comment: known === null ? withoutPrice : withPrice,
    fields: {
      ...{ name: model, provider: name, ...(known !== null && { price }), capabilities },
      ...(contextTokens !== null && { contextTokens }),
    },
  };
}

/** Names are unique: what two providers have is told apart by who serves it. */
function distinct(found: readonly Found[]): WrittenModel[] {
  const taken = new Set<unknown>();
  return found.flatMap(({ provider, models }) =>
    models.map((model) => {
      const { name } = model.fields;
      const isTaken = taken.has(name);
      taken.add(name);
      if (!isTaken) return model;
      const { name: upstreamModel, ...fields } = model.fields;
      return { ...model, fields: { name: `${provider.name}/${String(upstreamModel)}`, ...fields, upstreamModel } };
    }),
  );
}

function providerFields({ provider, keyName }: Found) {
  const { kind, baseUrl, apis } = provider;
  return { kind, baseUrl, apiKeyEnv: keyName, ...(apis && { apis }) };
}
