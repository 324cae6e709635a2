/**
 * What clients may send: the fields of the Avro messages as JSON, types and ranges checked here, with the messages' own
 * documentation. What depends on the configuration is checked by the same functions as on the topic.
 */
import { z } from 'zod';
import { bytesOf } from '../../../lib/learning/features/encode';
import {
  maxListLength,
  maxMessages,
  maxStrategies,
  threadTimeoutRangeMs,
} from '../../../lib/routing/open/validate-request';
import type { RouteOutcome, RouteRequested } from '../../../lib/topics/generated/messages';
import { float32 } from '../../../lib/topics/number-ranges';
import { maxRewardParts } from '../../reward-feedback/check-outcome';
import { fieldDoc } from './avro-json-schema';
import { id, label, numberOf } from './field-schemas';
import { messageSchema, readConversation } from './read-conversation';

/** Numbers of one feature vector that a body may hold, whatever `limits.maxFeatures` says: as many as are checked in no time. */
const maxBodyFeatures = 8_192;
const names = z.array(id).max(maxListLength);
const limit = (field: string) => numberOf('RouteRequested', `limits.${field}`, { min: 0 });
const weight = (field: string) => numberOf('RouteRequested', `preference.${field}`, { min: 0 });
const asking = (field: keyof RouteRequested, narrower?: { min: number; max?: number }) =>
  numberOf('RouteRequested', field, narrower);
const telling = (field: keyof RouteOutcome, narrower?: { min: number; max?: number }) =>
  numberOf('RouteOutcome', field, narrower);

export const limitsSchema = z.strictObject({
  maxCostUsd: limit('maxCostUsd').nullable().default(null).describe(fieldDoc('Limits', 'maxCostUsd')),
  maxSessionCostUsd: limit('maxSessionCostUsd')
    .nullable()
    .default(null)
    .describe(fieldDoc('Limits', 'maxSessionCostUsd')),
  maxLatencyMs: limit('maxLatencyMs').nullable().default(null).describe(fieldDoc('Limits', 'maxLatencyMs')),
  allowedModels: names.default([]).describe(fieldDoc('Limits', 'allowedModels')),
  deniedModels: names.default([]).describe(fieldDoc('Limits', 'deniedModels')),
  allowedProviders: names.default([]).describe(fieldDoc('Limits', 'allowedProviders')),
  deniedProviders: names.default([]).describe(fieldDoc('Limits', 'deniedProviders')),
});

export const preferenceSchema = z.strictObject({
  quality: weight('quality').default(0).describe(fieldDoc('Preference', 'quality')),
  cost: weight('cost').default(0).describe(fieldDoc('Preference', 'cost')),
  latency: weight('latency').default(0).describe(fieldDoc('Preference', 'latency')),
});

const asked = (field: keyof RouteRequested) => fieldDoc('RouteRequested', field);

/** Body of POST /v1/route. `replyTo` and `holds` are the gateway's own and may not be given. */
export const routeBodySchema = z.strictObject({
  requestId: id
    .optional()
    .describe(
      `${asked('requestId')} Made up when left out; sending the same id again with the same content returns the same decision.`,
    ),
  sessionId: id.nullable().default(null).describe(asked('sessionId')),
  tenantId: label.nullable().default(null).describe(asked('tenantId')),
  userId: label.nullable().default(null).describe(asked('userId')),
  prompt: z.string().nullable().default(null).describe(asked('prompt')),
  messages: z.array(messageSchema).max(maxMessages).default([]).describe(asked('messages')),
  features: z
    .array(z.number().min(float32.min).max(float32.max))
    .min(1)
    .max(maxBodyFeatures)
    .nullable()
    .default(null)
    .describe(
      "The caller's own feature vector instead of text; kept as float32. At most limits.maxFeatures of the configuration.",
    ),
  taskHint: label.nullable().default(null).describe(asked('taskHint')),
  requiredCapabilities: names.default([]).describe(asked('requiredCapabilities')),
  contextTokens: asking('contextTokens', { min: 0 }).nullable().default(null).describe(asked('contextTokens')),
  expectedOutputTokens: asking('expectedOutputTokens', { min: 0 })
    .nullable()
    .default(null)
    .describe(asked('expectedOutputTokens')),
  limits: limitsSchema.prefault({}).describe(asked('limits')),
  preference: preferenceSchema.nullable().default(null).describe(asked('preference')),
  strategies: z.array(id).max(maxStrategies).default([]).describe(asked('strategies')),
  collapse: id.nullable().default(null).describe(asked('collapse')),
  budgetApproved: z.boolean().nullable().default(null).describe(asked('budgetApproved')),
  threadTimeoutMs: asking('threadTimeoutMs', threadTimeoutRangeMs)
    .nullable()
    .default(null)
    .describe(asked('threadTimeoutMs')),
  requestedAtMs: asking('requestedAtMs')
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
  attempt: telling('attempt', { min: 1 })
    .nullable()
    .default(null)
    .describe(`${told('attempt')} Found from the decision's fallbacks when left out.`),
  status: z
    .enum(['SUCCESS', 'FAILURE', 'TIMEOUT', 'RATE_LIMITED', 'CANCELLED'])
    .nullable()
    .default(null)
    .describe(`${told('status')} What was said before when left out, else SUCCESS.`),
  latencyMs: telling('latencyMs', { min: 0 }).nullable().default(null).describe(told('latencyMs')),
  inputTokens: telling('inputTokens', { min: 0 }).nullable().default(null).describe(told('inputTokens')),
  outputTokens: telling('outputTokens', { min: 0 }).nullable().default(null).describe(told('outputTokens')),
  costUsd: telling('costUsd', { min: 0 }).nullable().default(null).describe(told('costUsd')),
  firstTokenMs: telling('firstTokenMs', { min: 0 }).nullable().default(null).describe(told('firstTokenMs')),
  cachedInputTokens: telling('cachedInputTokens', { min: 0 })
    .nullable()
    .default(null)
    .describe(told('cachedInputTokens')),
  reasoningTokens: telling('reasoningTokens', { min: 0 }).nullable().default(null).describe(told('reasoningTokens')),
  retryAfterMs: telling('retryAfterMs', { min: 0 }).nullable().default(null).describe(told('retryAfterMs')),
  finishReason: label.nullable().default(null).describe(told('finishReason')),
  quality: telling('quality', { min: 0, max: 1 }).nullable().default(null).describe(told('quality')),
  rewardParts: z
    .record(id, z.number().min(0).max(1))
    .meta({ maxProperties: maxRewardParts })
    .default({})
    .describe(told('rewardParts')),
  source: id.default('unknown').describe(told('source')),
  provisional: z.boolean().default(false).describe(told('provisional')),
  revision: telling('revision', { min: 0 }).default(0).describe(told('revision')),
  occurredAtMs: telling('occurredAtMs')
    .nullable()
    .default(null)
    .describe(`${told('occurredAtMs')} Now when left out.`),
});

export type FeedbackBody = z.output<typeof feedbackBodySchema>;

/** The request record of a body. `replyTo` is filled in by the client that sends it. */
export function toRequest(body: RouteBody, requestId: string, nowMs: number): RouteRequested {
  const { messages, holds } = readConversation(body.messages);
  return {
    ...body,
    prompt: body.prompt && wellFormed(body.prompt),
    messages: messages.map(({ role, content }) => ({ role, content: wellFormed(content) })),
    holds,
    requestId,
    features: body.features && bytesOf(Float32Array.from(body.features)),
    replyTo: null,
    requestedAtMs: body.requestedAtMs ?? nowMs,
  };
}

const loneSurrogate = /\p{Cs}/gu;

/** UTF-8 has no lone surrogates. A text is only looked at, so U+FFFD will do; an id with one is refused. */
export function wellFormed(text: string): string {
  return text.replace(loneSurrogate, '\ufffd');
}
