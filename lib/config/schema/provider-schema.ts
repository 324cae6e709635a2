/** What a configuration file may say of providers and presets, with limits, defaults and one line for people each. */
import { z } from 'zod';
import { apiNames, providerKinds } from '../provider-config';
import { collapseNames, type PresetConfig, strategyNames } from '../router-config';

const maxEntries = 64;
const name = z.string().min(1).max(200);
const table = <T extends z.ZodType>(key: z.ZodString, value: T) =>
  z.record(key, value).refine((entries) => Object.keys(entries).length <= maxEntries, {
    error: `must have at most ${maxEntries} entries`,
  });
const durationMs = z.int().min(1).max(3_600_000);
/** The message must not repeat what was given: it may be the secret itself. */
export const variable = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'must be the name of an environment variable, such as OPENAI_API_KEY; never write the secret itself here',
  });
const headerName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[a-z0-9-]+$/, { error: 'must be the name of a header in lower case' });
const headerValue = z
  .string()
  .max(1_000)
  .regex(/^[\x20-\x7e]*$/, { error: 'must be printable ASCII' });

export const providerSchema = z.strictObject({
  kind: z.enum(providerKinds).default('openai').describe('how it is spoken to; openai is whatever speaks like OpenAI'),
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an address that starts with https:// or http://' })
    .max(1_000)
    .refine((url) => !url.includes('@'), { error: 'must have no user or password in it; see apiKeyEnv and headersEnv' })
    .nullable()
    .default(null)
    .describe('address up to the path of a call, such as https://api.openai.com/v1'),
  apiKeyEnv: variable
    .nullable()
    .default(null)
    .describe('name of the environment variable with the key; null sends none'),
  apis: z
    .array(z.enum(apiNames))
    .min(1)
    .max(apiNames.length)
    .nullable()
    .default(null)
    .describe('calls it answers itself; null for what its kind usually answers. Others may reach it through chat'),
  headers: table(headerName, headerValue).default({}).describe('sent with every call; nothing secret'),
  headersEnv: table(headerName, variable).default({}).describe('headers whose values are in the environment'),
  timeouts: z
    .strictObject({
      connectMs: durationMs.default(5_000).describe('to connect'),
      headersMs: durationMs.default(30_000).describe('to the first byte of the answer to a streaming call'),
      firstTokenMs: durationMs.default(60_000).describe('to the first word of a stream'),
      gapMs: durationMs.default(60_000).describe('between two pieces of an answer'),
      totalMs: durationMs.default(300_000).describe('for one call from its beginning to its end'),
    })
    .prefault({})
    .describe('how long it is waited for, in milliseconds'),
  maxConcurrent: z.int().min(1).max(100_000).default(256).describe('calls under way at once, per gateway'),
  probe: z
    .strictObject({
      everyMs: z
        .int()
        .min(5_000)
        .max(3_600_000)
        .default(15_000)
        .describe('at most one call in so long; whether it is time is looked every 15 s'),
      timeoutMs: z.int().min(100).max(20_000).default(5_000).describe('without an answer by then it has failed'),
    })
    .nullable()
    .default(null)
    .describe(
      'while it is half open it is called by the engine itself, with one token to answer, instead of by requests; null: off',
    ),
});

const amount = z.number().min(0).max(1e9);
const names = z.array(name).max(256).default([]);

export const presetSchema = z.strictObject({
  preference: z
    .strictObject({ quality: amount.default(0), cost: amount.default(0), latency: amount.default(0) })
    .nullable()
    .default(null)
    .describe('what matters, relative to one another; null for the preference of the configuration'),
  limits: z
    .strictObject({
      maxCostUsd: amount.nullable().default(null),
      maxLatencyMs: amount.nullable().default(null),
      allowedModels: names,
      deniedModels: names,
      allowedProviders: names,
      deniedProviders: names,
    })
    .prefault({})
    .describe('hard limits'),
  strategies: z.array(z.enum(strategyNames)).max(8).default([]).describe('empty for those of the configuration'),
  collapse: z.enum(collapseNames).nullable().default(null).describe('null for that of the configuration'),
});

/** Made anew each time: a text form writes an object that is in several places as a reference. */
const limitless = () => ({
  maxCostUsd: null,
  maxLatencyMs: null,
  allowedModels: [],
  deniedModels: [],
  allowedProviders: [],
  deniedProviders: [],
});
const preferring = (preference: PresetConfig['preference']): z.output<typeof presetSchema> => ({
  preference,
  limits: limitless(),
  strategies: [],
  collapse: null,
});

export const providersSchema = table(name, providerSchema)
  .default({})
  .describe(
    'who serves the models, by the name that models give as provider; without, the gateway decides but calls nobody',
  );

export const presetsSchema = table(name, presetSchema)
  .default(() => ({
    best: preferring({ quality: 1, cost: 0, latency: 0 }),
    cheap: preferring({ quality: 0.3, cost: 0.7, latency: 0 }),
    fast: preferring({ quality: 0.3, cost: 0, latency: 0.7 }),
  }))
  .describe('ways of choosing that callers name as model auto/<name>');
