/** GET /v1/models: what may be chosen, how it is doing, and what is expected of it now. */
import { z } from 'zod';
import { modelSchema } from '../../../lib/config/config-schema';
import { expectCandidates, nominalInputTokens } from '../../../lib/routing/open/candidates';
import type { Candidate } from '../../../lib/topics/generated/messages';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError } from '../http-error';
import { sendJson } from '../send-json';

const modelsSchema = z.strictObject({
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
      handler: (_request, reply) => {
        const current = context.config();
        if (!current) throw new HttpError('not_ready', 'no configuration has been applied');
        const candidates = nominalCandidates(context);
        const models = current.config.models.map((config, index) => {
          const candidate = candidates[index]!;
          return {
            config,
            health: candidate.health,
            expected: expectedOf(candidate),
            profile: context.profiles.get(config.name) ?? null,
          };
        });
        return sendJson(reply, { configVersion: current.version, models });
      },
    },
  ];
}

function nominalCandidates(context: GatewayContext): readonly Candidate[] {
  const world = {
    config: context.config()!.config,
    profileOf: (model: string) => context.profiles.get(model),
    tuning: context.tuning.get('current') ?? { costRatios: {}, priceFactors: {} },
    nowMs: context.clock.nowMs(),
  };
  return expectCandidates(world, {
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
