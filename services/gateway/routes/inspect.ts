/** What a person wants to know of one decision and of a configuration before it is put in force: nothing here changes anything. */
import { z } from 'zod';
import { diffConfig } from '../../../lib/config/diff-config';
import { maxModels } from '../../../lib/config/router-config';
import { restartsNeeded } from '../../../lib/config/start-settings';
import { dictionaryOf } from '../../../lib/dictionary';
import { type Change, preferenceUnder, whatIf } from '../../../lib/routing/decide/what-if';
import type { RouteDecided } from '../../../lib/topics/generated/messages';
import { idFault } from '../../../lib/topics/identifiers';
import { refuseUnputtable } from '../configuration/apply-change';
import { createConfigParser } from '../configuration/parse-config-apart';
import type { Endpoint, GatewayContext } from '../endpoint';
import { limitsSchema, preferenceSchema } from '../http/body-schemas';
import { id } from '../http/field-schemas';
import { HttpError, invalidField, invalidFields } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';
import { configReplayEndpoint } from './config-replay';

const { $schema: _, ...idSchema } = z.toJSONSchema(id);
const pathId = { name: 'id', in: 'path' as const, required: true, doc: 'decisionId', schema: idSchema };

type Changes<S> = { [K in keyof S]: S[K] extends z.ZodDefault<infer T> ? z.ZodOptional<T> : never };

/** The same object without its defaults: a field that is left out stays as the request had it. */
function changesOf<S extends Record<string, z.ZodDefault<z.ZodType>>>({
  shape,
}: z.ZodObject<S>): z.ZodObject<Changes<S>> {
  const fields = Object.entries<z.ZodDefault<z.ZodType>>(shape).map(([name, field]): [string, z.ZodType] => [
    name,
    field
      .unwrap()
      .optional()
      .describe(field.description ?? ''),
  ]);
  return z.strictObject(dictionaryOf(fields) as Changes<S>);
}

const changeSchema = z.strictObject({
  preference: changesOf(preferenceSchema)
    .nullable()
    .default(null)
    .describe('weights instead of those of the request; those left out stay as they were'),
  limits: changesOf(limitsSchema)
    .nullable()
    .default(null)
    .describe('limits instead of those of the request; those left out stay as they were, and null takes one away'),
  priceFactors: z
    .record(id, z.number().min(0.000_001).max(1_000_000))
    .refine((table) => Object.keys(table).length <= maxModels, { error: `must have at most ${maxModels} entries` })
    .default({})
    .describe('by what the prices of models are multiplied'),
});

const candidateSchema = z.strictObject({
  model: z.string(),
  eligible: z.boolean(),
  ineligibleReason: z.string().nullable(),
  propensity: z.number(),
  utility: z.number(),
  predictedQuality: z.number(),
  expectedCostUsd: z.number(),
});
const whatIfSchema = z.strictObject({
  model: z.string().describe('what the same draw would have chosen'),
  reasoning: z.string(),
  usesLearned: z.boolean().describe('false where the weights of then are gone, or there were none'),
  candidates: z.array(candidateSchema),
});
const traceSchema = z.strictObject({
  traceId: z.string().nullable().describe('null where it was not sampled, or its record is too old to be found'),
  url: z.string().nullable().describe('where it can be looked at; null where nobody has said (`HTTP_TRACE_URL`)'),
});
const reportsSchema = z.strictObject({ outcomes: z.array(z.record(z.string(), z.unknown())) });
const checkedSchema = z.strictObject({
  valid: z.literal(true),
  changes: z.array(z.string()).describe('against what is in force, one line a field'),
  needsRestart: z.array(z.string()).describe('settings that are in force only after a restart, and of whom'),
});

export function inspectEndpoints(context: GatewayContext): Endpoint[] {
  const parser = createConfigParser();
  const decisionOf = async (params: unknown): Promise<RouteDecided> => {
    const { id: decisionId } = params as { id: string };
    const fault = idFault(decisionId);
    if (fault !== null) throw invalidField('id', fault);
    const decision = await context.findDecision(decisionId, null);
    if (!decision)
      throw new HttpError(
        'not_found',
        `no decision with id ${JSON.stringify(decisionId)} in memory or among the newest records of the log`,
      );
    return decision;
  };
  const ofOne = ['invalid_field', 'not_found', 'not_ready', 'overloaded'] as const;
  return [
    {
      method: 'GET',
      path: '/v1/decisions/{id}/outcomes',
      summary: 'What was reported of a decision, as far as the newest outcomes of the log have it.',
      parameters: [pathId],
      responses: { 200: { doc: 'Messages RouteOutcome, in order.', body: { schema: reportsSchema } } },
      errors: [...ofOne],
      handler: async (request, reply) => {
        const { decisionId, routingKey } = await decisionOf(request.params);
        const { maxReportScannedRecords } = context.settings;
        const outcomes = await context.lookup.reports(decisionId, routingKey, maxReportScannedRecords);
        return sendJson(reply, { outcomes });
      },
    },
    {
      method: 'GET',
      path: '/v1/decisions/{id}/trace',
      summary: 'The trace that a decision was made in, where it was sampled.',
      parameters: [pathId],
      responses: { 200: { doc: 'The trace.', body: { schema: traceSchema } } },
      errors: [...ofOne],
      handler: async (request, reply) => {
        const { decisionId, routingKey } = await decisionOf(request.params);
        const { maxScannedRecords, traceUrl } = context.settings;
        const traceId = await context.lookup.trace(decisionId, routingKey, maxScannedRecords);
        const url = traceId === null || traceUrl === null ? null : traceUrl.replace('{traceId}', traceId);
        return sendJson(reply, { traceId, url });
      },
    },
    {
      method: 'POST',
      path: '/v1/decisions/{id}/recompute',
      summary: 'What would have been decided with another preference, other limits or other prices.',
      description:
        'The opened request is changed and decided again by the same pure functions, with the same seed and the weights of then. Its features stay as they were.',
      parameters: [pathId],
      body: { schemas: [changeSchema], required: false },
      responses: { 200: { doc: 'The decision as it would be.', body: { schema: whatIfSchema } } },
      errors: [...ofOne, 'no_eligible_candidate', 'malformed_json', 'body_too_large', 'unsupported_media_type'],
      handler: async (request, reply) => {
        const body = readBody(changeSchema, request.body ?? {});
        const wanted: Change = {
          preference: body.preference ?? {},
          limits: body.limits ?? {},
          priceFactors: new Map(Object.entries(body.priceFactors)),
        };
        const { decisionId, routingKey } = await decisionOf(request.params);
        const opened = await context.inspect.opened(decisionId, routingKey);
        if (!opened)
          throw new HttpError(
            'not_found',
            'the request of this decision is no longer among the newest records of the log',
          );
        for (const model of wanted.priceFactors.keys())
          if (!opened.candidates.some((candidate) => candidate.model === model))
            throw invalidField(`priceFactors.${model}`, 'was no candidate of this decision');
        const learned = await context.inspect.weights(opened);
        const preference = preferenceUnder(opened, wanted);
        if (!(preference.quality + preference.cost + preference.latency > 0))
          throw invalidField('preference', 'at least one weight must be above 0');
        const found = whatIf(opened, wanted, learned);
        if (found.kind === 'refused') throw new HttpError('no_eligible_candidate', found.reason, found.field);
        const { model, reasoning, candidates } = found.decision;
        return sendJson(reply, {
          model,
          reasoning,
          usesLearned: learned !== null,
          candidates: candidates.map((candidate) => ({
            model: candidate.model,
            eligible: candidate.eligible,
            ineligibleReason: candidate.ineligibleReason,
            propensity: candidate.propensity,
            utility: candidate.utility,
            predictedQuality: candidate.predictedQuality,
            expectedCostUsd: candidate.expectedCostUsd,
          })),
        });
      },
    },
    {
      method: 'POST',
      path: '/v1/config/check',
      summary: 'Checks a configuration and says what it would change; puts nothing in force.',
      body: { schemas: [z.record(z.string(), z.unknown())], required: true },
      responses: { 200: { doc: 'It is valid.', body: { schema: checkedSchema } } },
      errors: [
        'malformed_json',
        'invalid_field',
        'refused',
        'body_too_large',
        'unsupported_media_type',
        'not_ready',
        'overloaded',
      ],
      handler: async (request, reply) => {
        const checked = await parser.check(request.body);
        if (!checked.ok) throw invalidFields(checked.issues);
        refuseUnputtable(context, checked.config);
        const current = context.config();
        return sendJson(reply, {
          valid: true,
          changes: current ? diffConfig(current.config, checked.config) : [],
          needsRestart: current ? restartsNeeded(current.config, checked.config) : [],
        });
      },
    },
    configReplayEndpoint(context, parser),
  ];
}
