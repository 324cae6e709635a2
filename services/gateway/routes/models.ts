/**
 * GET /v1/models: what may be chosen, how it is doing, and what is expected of it now. The same answer has the lists that
 * client libraries look for, each in its own words, so that nobody has to ask for one of them by a header. GET /v1/models/:id:
 * one of them, and all that is known of it.
 */
import { z } from 'zod';
import type { CurrentConfig } from '../../../lib/config/current-config';
import type { ModelConfig } from '../../../lib/config/router-config';
import { modelSchema } from '../../../lib/config/schema/config-schema';
import type { Admission } from '../../../lib/routing/open/admission';
import { nominalInputTokens } from '../../../lib/routing/open/candidates';
import type { Candidate, ModelProfile } from '../../../lib/topics/generated/messages';
import { maxTimeMs } from '../../../lib/topics/number-ranges';
import { isInScope } from '../access/check-scope';
import { configInForce } from '../configuration/config-in-force';
import { admissionsNow, candidatesNow } from '../decisions/expect-candidates';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError } from '../http/http-error';
import { sendJson } from '../http/send-json';
import { legibleProfile } from './legible-profile';

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

const knownSchema = z.strictObject({
  config: modelSchema.describe('as configured'),
  health: z
    .enum(['CLOSED', 'HALF_OPEN', 'OPEN'])
    .describe("the worse of the model's and its provider's circuit breaker, now"),
  admission: z
    .strictObject({
      share: z.number().describe('of the requests, 0..1, that may use it now'),
      kind: z.enum(['waiting', 'returning', 'limited', 'resting']),
    })
    .nullable()
    .describe(
      'why only some requests may use it: it is probed, returns from an outage, is at a rate limit; null for all',
    ),
  expected: z
    .strictObject({
      quality: z.number(),
      costUsd: z.number(),
      latencyMs: z.number(),
      p95LatencyMs: z.number().nullable().describe('what one call in twenty exceeds; null while too few were timed'),
      errorRate: z.number(),
      observations: z.number(),
    })
    .describe('of a general request of 750 tokens, from belief and experience'),
  calibration: z
    .strictObject({
      judged: z.number().describe('answers whose quality had been predicted, decayed'),
      bias: z.number().describe('mean of quality less what was predicted: above 0 it is better than decisions say'),
      error: z.number().describe('root of the mean square of the same; answers that vary make it large, too'),
    })
    .nullable()
    .describe('of predicted quality, all tasks together; null before an answer was judged'),
  profile: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'experience so far (message ModelProfile, with quantiles in place of sketches of times); null before the first outcome',
    ),
});

const oneSchema = listedSchema
  .extend({
    quantum_router: knownSchema
      .nullable()
      .describe('all that is known of a configured model; null for auto and its presets'),
  })
  .describe('One entry of the list, and what is known of the model.');

const modelsSchema = z.strictObject({
  object: z.literal('list'),
  data: z.array(listedSchema).describe('auto, its presets and the configured models'),
  has_more: z.literal(false),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  configVersion: z.int(),
  models: z.array(knownSchema),
});

export function modelEndpoints(context: GatewayContext): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/v1/models',
      standsBy: true,
      summary: 'The configured models with their health and profiles.',
      responses: { 200: { doc: 'The models, in configured order.', body: { schema: modelsSchema } } },
      errors: ['not_ready'],
      handler: ({ asker }, reply) => {
        const current = configInForce(context);
        const candidates = nominalCandidates(context);
        const admissions = admissionsNow(context, current.config);
        const models = current.config.models.flatMap((config, index) => {
          if (!isInScope(asker, config.name)) return [];
          return knownOf(context, config, candidates[index]!, admissions?.[index] ?? null);
        });
        const data = listedOf(current).filter(({ id }) => isInScope(asker, id));
        const ends = { has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
        return sendJson(reply, { object: 'list', data, ...ends, configVersion: current.version, models });
      },
    },
    {
      method: 'GET',
      path: '/v1/models/{id}',
      standsBy: true,
      summary: 'One model: its entry in the list, and all that is known of it.',
      parameters: [
        { name: 'id', in: 'path', required: true, doc: 'model, auto, or auto/<preset>', schema: { type: 'string' } },
      ],
      responses: { 200: { doc: 'The model.', body: { schema: oneSchema } } },
      errors: ['not_found', 'not_ready'],
      errorForm: 'openai',
      handler: (request, reply) => {
        const current = configInForce(context);
        const { id } = request.params as { id: string };
        const listed = listedOf(current).find((one) => one.id === id && isInScope(request.asker, id));
        if (!listed) throw new HttpError('not_found', `there is no model ${JSON.stringify(id)}`, 'id');
        const index = current.config.models.findIndex(({ name }) => name === id);
        const known =
          index < 0
            ? null
            : knownOf(
                context,
                current.config.models[index]!,
                nominalCandidates(context)[index]!,
                admissionsNow(context, current.config)?.[index] ?? null,
              );
        return sendJson(reply, { ...listed, quantum_router: known });
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

function knownOf(context: GatewayContext, config: ModelConfig, candidate: Candidate, admission: Admission | null) {
  const profile = context.profiles.get(config.name);
  return {
    config,
    health: candidate.health,
    admission,
    expected: expectedOf(candidate),
    calibration: calibrationOf(profile),
    profile: profile ? legibleProfile(profile) : null,
  };
}

function calibrationOf(profile: ModelProfile | undefined) {
  if (!profile || !(profile.overall.calibrationWeight > 0)) return null;
  const { calibrationWeight: judged, qualityBias: bias, qualityError2 } = profile.overall;
  return { judged, bias, error: Math.sqrt(qualityError2) };
}

function expectedOf(candidate: Candidate) {
  return {
    quality: candidate.expectedQuality,
    costUsd: candidate.expectedCostUsd,
    latencyMs: candidate.expectedLatencyMs,
    p95LatencyMs: candidate.p95LatencyMs,
    errorRate: candidate.errorRate,
    observations: candidate.observations,
  };
}
