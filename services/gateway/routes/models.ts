/**
 * GET /v1/models: what may be chosen, how it is doing, and what is expected of it now. The same answer has the lists that
 * client libraries look for, each in its own words, so that nobody has to ask for one of them by a header.
 */
import { z } from 'zod';
import { modelSchema } from '../../../lib/config/config-schema';
import type { CurrentConfig } from '../../../lib/config/current-config';
import { nominalInputTokens } from '../../../lib/routing/open/candidates';
import type { Candidate } from '../../../lib/topics/generated/messages';
import { maxTimeMs } from '../../../lib/topics/number-ranges';
import { isInScope } from '../check-scope';
import type { Endpoint, GatewayContext } from '../endpoint';
import { candidatesNow } from '../expect-candidates';
import { HttpError } from '../http-error';
import { sendJson } from '../send-json';

const listedSchema = z
  .strictObject({
    id: z.string().describe('what a call names as its model'),
    object: z.literal('model'),
    created: z.int().describe('seconds since the epoch: when the configuration was put in force'),
    owned_by: z.string().describe('provider; quantum-router for auto and its presets'),
    type: z.literal('model'),
    display_name: z.string(),
    created_at: z.string(),
  })
  .describe('One entry of the list, in the words of OpenAI and of Anthropic.');

const modelsSchema = z.strictObject({
  object: z.literal('list'),
  data: z.array(listedSchema).describe('auto, its presets and the configured models'),
  has_more: z.literal(false),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  configVersion: z.int(),
  models: z.array(
    z.strictObject({
      config: modelSchema.describe('as configured'),
      health: z
        .enum(['CLOSED', 'HALF_OPEN', 'OPEN'])
        .describe("the worse of the model's and its provider's circuit breaker, now"),
      expected: z
        .strictObject({
          quality: z.number(),
          costUsd: z.number(),
          latencyMs: z.number(),
          errorRate: z.number(),
          observations: z.number(),
        })
        .describe('of a general request of 750 tokens, from belief and experience'),
      profile: z
        .record(z.string(), z.unknown())
        .nullable()
        .describe('experience so far (message ModelProfile); null before the first outcome'),
    }),
  ),
});

export function modelEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/models',
      summary: 'The configured models with their health and profiles.',
      responses: { 200: { doc: 'The models, in configured order.', body: { schema: modelsSchema } } },
      errors: ['not_ready'],
      handler: ({ asker }, reply) => {
        const current = context.config();
        if (!current) throw new HttpError('not_ready', 'no configuration has been applied');
        const candidates = nominalCandidates(context);
        const models = current.config.models.flatMap((config, index) => {
          if (!isInScope(asker, config.name)) return [];
          const candidate = candidates[index]!;
          return {
            config,
            health: candidate.health,
            expected: expectedOf(candidate),
            profile: context.profiles.get(config.name) ?? null,
          };
        });
        const data = listedOf(current).filter(({ id }) => isInScope(asker, id));
        const ends = { has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
        return sendJson(reply, { object: 'list', data, ...ends, configVersion: current.version, models });
      },
    },
    {
      method: 'GET',
      path: '/v1/models/{id}',
      summary: 'One entry of the list of models.',
      parameters: [
        { name: 'id', in: 'path', required: true, doc: 'model, auto, or auto/<preset>', schema: { type: 'string' } },
      ],
      responses: { 200: { doc: 'The entry.', body: { schema: listedSchema } } },
      errors: ['not_found', 'not_ready'],
      errorForm: 'openai',
      handler: (request, reply) => {
        const current = context.config();
        if (!current) throw new HttpError('not_ready', 'no configuration has been applied');
        const { id } = request.params as { id: string };
        const listed = listedOf(current).find((one) => one.id === id && isInScope(request.asker, id));
        if (!listed) throw new HttpError('not_found', `there is no model ${JSON.stringify(id)}`, 'id');
        return sendJson(reply, listed);
      },
    },
  ];
}

function listedOf({ config, appliedAtMs }: CurrentConfig): z.output<typeof listedSchema>[] {
  // Whoever wrote it to the topic may have written any number.
  const time = new Date(Math.min(Math.max(0, appliedAtMs), maxTimeMs));
  const entry = (id: string, ownedBy: string): z.output<typeof listedSchema> => ({
    id,
    object: 'model',
    created: Math.floor(time.getTime() / 1_000),
    owned_by: ownedBy,
    type: 'model',
    display_name: id,
    created_at: time.toISOString(),
  });
  return [
    entry('auto', 'quantum-router'),
    ...Object.keys(config.presets).map((preset) => entry(`auto/${preset}`, 'quantum-router')),
    ...config.models.map(({ name, provider }) => entry(name, provider)),
  ];
}

function nominalCandidates(context: GatewayContext): readonly Candidate[] {
  return candidatesNow(context, context.config()!.config, {
    taskType: 'general',
    promptTokens: nominalInputTokens,
    expectedOutputTokens: null,
  });
}

function expectedOf(candidate: Candidate) {
  return {
    quality: candidate.expectedQuality,
    costUsd: candidate.expectedCostUsd,
    latencyMs: candidate.expectedLatencyMs,
    errorRate: candidate.errorRate,
    observations: candidate.observations,
  };
}
