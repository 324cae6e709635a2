/**
 * What clients may send: the fields of the Avro messages as JSON, types and ranges checked here, with the messages' own
 * documentation. What depends on the configuration is checked by the same functions as on the topic.
 */
import { z } from 'zod';
import { bytesOf } from '../../lib/learning/encode';
import type { RouteOutcome, RouteRequested } from '../../lib/topics/generated/messages';
import { fieldDoc } from './avro-json-schema';

const maxInt32 = 2_147_483_647;
const maxFloat32 = 3.4028234663852886e38;
const id = z.string().min(1).max(200);
const label = z.string().max(200);
const tokens = z.int().min(0).max(maxInt32);
const names = z.array(id).max(1_000);
const timeMs = z.int().min(0);
const amount = z.number().min(0);

const limitsSchema = z.strictObject({
  maxCostUsd: amount.nullable().default(null).describe(fieldDoc('Limits', 'maxCostUsd')),
  maxSessionCostUsd: amount.nullable().default(null).describe(fieldDoc('Limits', 'maxSessionCostUsd')),
  maxLatencyMs: amount.nullable().default(null).describe(fieldDoc('Limits', 'maxLatencyMs')),
  allowedModels: names.default([]).describe(fieldDoc('Limits', 'allowedModels')),
  deniedModels: names.default([]).describe(fieldDoc('Limits', 'deniedModels')),
  allowedProviders: names.default([]).describe(fieldDoc('Limits', 'allowedProviders')),
  deniedProviders: names.default([]).describe(fieldDoc('Limits', 'deniedProviders')),
});

const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']).describe(fieldDoc('Message', 'role')),
  content: z.string().describe(fieldDoc('Message', 'content')),
});

const preferenceSchema = z.strictObject({
  quality: amount.default(0).describe(fieldDoc('Preference', 'quality')),
  cost: amount.default(0).describe(fieldDoc('Preference', 'cost')),
  latency: amount.default(0).describe(fieldDoc('Preference', 'latency')),
});

const asked = (field: keyof RouteRequested) => fieldDoc('RouteRequested', field);

/** Body of POST /v1/route. `replyTo` is the gateway's own and may not be given. */
export const routeBodySchema = z.strictObject({
  requestId: id
    .optional()
    .describe(`${asked('requestId')} Made up when left out; sending the same id again returns the same decision.`),
  sessionId: id.nullable().default(null).describe(asked('sessionId')),
  tenantId: label.nullable().default(null).describe(asked('tenantId')),
  prompt: z.string().nullable().default(null).describe(asked('prompt')),
  messages: z.array(messageSchema).max(10_000).default([]).describe(asked('messages')),
  features: z
    .array(z.number().min(-maxFloat32).max(maxFloat32))
    .min(1)
    .nullable()
    .default(null)
    .describe("The caller's own feature vector instead of text; kept as float32."),
  taskHint: label.nullable().default(null).describe(asked('taskHint')),
  requiredCapabilities: names.default([]).describe(asked('requiredCapabilities')),
  contextTokens: tokens.nullable().default(null).describe(asked('contextTokens')),
  expectedOutputTokens: tokens.nullable().default(null).describe(asked('expectedOutputTokens')),
  limits: limitsSchema.prefault({}).describe(asked('limits')),
  preference: preferenceSchema.nullable().default(null).describe(asked('preference')),
  strategies: z.array(z.string()).max(8).default([]).describe(asked('strategies')),
  collapse: z.string().nullable().default(null).describe(asked('collapse')),
  threadTimeoutMs: z.int().min(1).max(60_000).nullable().default(null).describe(asked('threadTimeoutMs')),
  requestedAtMs: timeMs
    .nullable()
    .default(null)
    .describe(`${asked('requestedAtMs')} Now when left out.`),
});

export type RouteBody = z.output<typeof routeBodySchema>;

const told = (field: keyof RouteOutcome) => fieldDoc('RouteOutcome', field);

/** Body of POST /v1/feedback. */
export const feedbackBodySchema = z.strictObject({
  decisionId: id.describe(told('decisionId')),
  routingKey: id
    .nullable()
    .default(null)
    .describe(
      `routingKey of the decision. Needed when the request had a session and another gateway routed it, or long ago.`,
    ),
  model: id
    .nullable()
    .default(null)
    .describe(`${told('model')} The decided model when left out, as long as the decision is among the newest.`),
  attempt: z
    .int()
    .min(1)
    .max(maxInt32)
    .nullable()
    .default(null)
    .describe(`${told('attempt')} Found from the decision's fallbacks when left out.`),
  status: z
    .enum(['SUCCESS', 'FAILURE', 'TIMEOUT', 'RATE_LIMITED', 'CANCELLED'])
    .nullable()
    .default(null)
    .describe(`${told('status')} What was said before when left out, else SUCCESS.`),
  latencyMs: amount.nullable().default(null).describe(told('latencyMs')),
  inputTokens: tokens.nullable().default(null).describe(told('inputTokens')),
  outputTokens: tokens.nullable().default(null).describe(told('outputTokens')),
  costUsd: amount.nullable().default(null).describe(told('costUsd')),
  quality: z.number().min(0).max(1).nullable().default(null).describe(told('quality')),
  rewardParts: z.record(id, z.number().min(0).max(1)).default({}).describe(told('rewardParts')),
  source: label.min(1).default('unknown').describe(told('source')),
  provisional: z.boolean().default(false).describe(told('provisional')),
  revision: z.int().min(0).max(maxInt32).default(0).describe(told('revision')),
  occurredAtMs: timeMs
    .nullable()
    .default(null)
    .describe(`${told('occurredAtMs')} Now when left out.`),
});

export type FeedbackBody = z.output<typeof feedbackBodySchema>;

/** The request record of a body. `replyTo` is filled in by the client that sends it. */
export function toRequest(body: RouteBody, requestId: string, nowMs: number): RouteRequested {
  return {
    ...body,
    requestId,
    features: body.features && bytesOf(Float32Array.from(body.features)),
    replyTo: null,
    requestedAtMs: body.requestedAtMs ?? nowMs,
  };
}
