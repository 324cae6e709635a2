/** The file `quantum-router init` writes: an example catalogue, and every setting with its default, explained by the schema. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { dictionaryOf } from '../dictionary';
import { unwrapped } from './describe-issues';
import { completeConfig, configSchema, modelSchema } from './schema/config-schema';

/** Name, provider, USD per million tokens in and out, context, latency in ms, answer tokens, quality, quality per task, capabilities. */
type CatalogueRow = [string, string, number, number, number, number, number, number, Record<string, number>, string[]];

const catalogue: CatalogueRow[] = [
  ['gpt-4.1', 'openai', 2, 8, 1_000_000, 2_600, 320, 0.8, { code: 0.82, reasoning: 0.78 }, ['tools', 'vision', 'json']],
  ['gpt-4.1-mini', 'openai', 0.4, 1.6, 1_000_000, 1_500, 280, 0.7, { code: 0.72 }, ['tools', 'vision', 'json']],
  ['gpt-4.1-nano', 'openai', 0.1, 0.4, 1_000_000, 800, 220, 0.58, { code: 0.5, reasoning: 0.48 }, ['tools', 'json']],
  [
    'claude-sonnet-4',
    'anthropic',
    3,
    15,
    200_000,
    3_200,
    380,
    0.82,
    { code: 0.87, writing: 0.84 },
    ['tools', 'vision'],
  ],
  ['claude-3.5-haiku', 'anthropic', 0.8, 4, 200_000, 1_400, 300, 0.7, { writing: 0.73 }, ['tools', 'vision']],
  [
    'gemini-2.5-pro',
    'google',
    1.25,
    10,
    1_000_000,
    4_200,
    420,
    0.82,
    { math: 0.87, reasoning: 0.85 },
    ['tools', 'vision', 'json'],
  ],
  ['gemini-2.5-flash', 'google', 0.3, 2.5, 1_000_000, 1_300, 300, 0.72, { math: 0.76 }, ['tools', 'vision', 'json']],
  ['mistral-large', 'mistral', 2, 6, 128_000, 2_400, 300, 0.72, { translation: 0.78 }, ['tools', 'json']],
  ['mistral-small', 'mistral', 0.1, 0.3, 128_000, 900, 240, 0.6, { translation: 0.66 }, ['tools', 'json']],
  ['llama-3.3-70b', 'groq', 0.59, 0.79, 128_000, 700, 260, 0.66, { math: 0.62 }, ['tools']],
  ['deepseek-chat', 'deepseek', 0.27, 1.1, 64_000, 3_500, 330, 0.74, { code: 0.78, math: 0.78 }, ['tools', 'json']],
];

/** Quality first, but a much cheaper or faster model may win a close call. */
const examplePreference = { quality: 0.8, cost: 0.15, latency: 0.05 };

const heading = `# Quantum Router: configuration.
#
# Check it:  quantum-router config validate FILE      (all errors at once, with their lines)
# Run it:    quantum-router serve --config FILE
# Schema:    quantum-router config schema             (JSON Schema, for your editor)
#
# THE MODELS BELOW ARE EXAMPLES: prices, speeds and qualities are rounded and go out of date. Put in your own.
# Everything under them is optional; what is written here are the defaults, except the preference.
`;

/** A complete, annotated configuration in YAML. It validates as it is. */
export function defaultConfigYaml(): string {
  return configYaml(heading, catalogue.map(modelOf), dictionaryOf());
}

/** A model for a file; a comment stands in front of it. */
export interface WrittenModel {
  readonly comment: string | null;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A file with these models and providers: every provider's fields as given, every other setting with its default. */
export function foundConfigYaml(
  intro: string,
  models: readonly WrittenModel[],
  providers: Readonly<Record<string, unknown>>,
): string {
  const text = models.map(({ comment, fields }) => {
    const lines = Object.entries(fields).map(
      ([key, value]) => `${key === 'name' ? '  - ' : '    '}${key}: ${inline(value)}`,
    );
    return [...(comment === null ? [] : [`  # ${comment}`]), ...lines].join('\n');
  });
  const written = Object.entries(providers).map(([name, provider]) => `  ${inline(name)}: ${inline(provider)}`);
  return [
    intro,
    `# ${configSchema.shape.providers.description}\nproviders:\n${written.join('\n')}\n`,
    `# ${configSchema.shape.models.description}\nmodels:\n${text.join('\n\n')}\n`,
    ...settingsYaml({ models: models.map(({ fields }) => fields), preference: examplePreference, providers }, [
      'models',
      'providers',
    ]),
  ].join('\n');
}

function configYaml(intro: string, models: ReturnType<typeof modelOf>[], providers: object): string {
  return [
    intro,
    modelsYaml(models),
    ...settingsYaml({ models, preference: examplePreference, providers }, ['models']),
  ].join('\n');
}

function settingsYaml(raw: unknown, except: readonly string[]): string[] {
  const defaults = completeConfig(configSchema.parse(raw));
  return Object.entries(configSchema.shape)
    .filter(([key]) => !except.includes(key))
    .map(([key, schema]) => settingYaml(key, schema as z.ZodType, defaults[key as keyof typeof defaults]));
}

function modelOf(row: CatalogueRow) {
  const [
    name,
    provider,
    inputPerMillionUsd,
    outputPerMillionUsd,
    contextTokens,
    expectedLatencyMs,
    expectedOutputTokens,
    expectedQuality,
    taskQuality,
    capabilities,
  ] = row;
  const price = { inputPerMillionUsd, outputPerMillionUsd, perRequestUsd: 0 };
  return {
    name,
    provider,
    price,
    capabilities,
    contextTokens,
    expectedLatencyMs,
    expectedOutputTokens,
    expectedQuality,
    taskQuality,
  };
}

/** Comments go with the first model; the others have the same fields. */
function modelsYaml(models: ReturnType<typeof modelOf>[]): string {
  const text = models.map((model, index) => {
    const lines = Object.entries(model).flatMap(([key, value]) => {
      const doc = (modelSchema.shape[key as keyof typeof model] as z.ZodType).description;
      const field = `${key === 'name' ? '  - ' : '    '}${key}: ${inline(value)}`;
      return index === 0 ? [`    # ${doc}`, field] : [field];
    });
    return lines.join('\n');
  });
  return `# ${configSchema.shape.models.description}\nmodels:\n${text.join('\n\n')}\n`;
}

function settingYaml(key: string, schema: z.ZodType, value: unknown): string {
  const inner = unwrapped(schema);
  const comment = `# ${schema.description}\n`;
  if (!(inner instanceof z.ZodObject)) return `${comment}${key}: ${inline(value)}\n`;
  const fields = Object.entries(value as Record<string, unknown>).flatMap(([field, fieldValue]) => {
    const doc = (inner.shape[field] as z.ZodType | undefined)?.description;
    return [...(doc ? [`  # ${doc}`] : []), `  ${field}: ${inline(fieldValue)}`];
  });
  return `${comment}${key}:\n${fields.join('\n')}\n`;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
