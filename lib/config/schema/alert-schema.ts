/** What a configuration file may say of alerts: rules with their defaults and limits, and who is told. */
import { z } from 'zod';
import type { Issue } from '../describe-issues';

export const severities = ['warning', 'critical'] as const;
const maxWebhooks = 16;

const share = z.number().min(0.001).max(1);
const count = z.int().min(1).max(1_000_000_000);
/** Minutes are kept for an hour. */
const windowMs = z.int().min(60_000).max(3_600_000);
const durationMs = z.int().min(0).max(86_400_000);
/** The message must not repeat what was given: it may be the secret itself. */
const variable = z
  .string()
  .max(200)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'must be the name of an environment variable, such as ALERT_SECRET; never write the secret itself here',
  });

/** Made anew for each rule: a text form writes an object that is in several places as a reference. */
const common = (severity: (typeof severities)[number], forMs: number) => ({
  enabled: z.boolean().default(true).describe('false: it never rings'),
  severity: z.enum(severities).default(severity).describe('how much it matters'),
  forMs: durationMs.default(forMs).describe('it must be wrong for so long before it rings'),
});

const minuteMs = 60_000;

export const alertRulesSchema = z.strictObject({
  providerDown: z
    .strictObject(common('critical', 30_000))
    .prefault({})
    .describe('the breaker of a provider, or of all its models, is open; rings until it has closed'),
  errorRate: z
    .strictObject({
      ...common('critical', minuteMs),
      windowMs: windowMs.default(5 * minuteMs).describe('of the last so many milliseconds, to the minute'),
      above: share.default(0.1).describe('share of the calls of a provider that failed'),
      minCalls: count.default(30).describe('with fewer calls nothing is said'),
    })
    .prefault({})
    .describe('calls of a provider fail; rings until half of the share is left'),
  budgetBurn: z
    .strictObject({
      ...common('warning', 0),
      fastBurn: z
        .number()
        .min(1)
        .max(10_000)
        .default(14.4)
        .describe('times the even pace of the period, over a 720th of it (5 minutes to an hour) and a twelfth of that'),
      slowBurn: z
        .number()
        .min(1)
        .max(10_000)
        .default(6)
        .describe('likewise over a 120th of the period (half an hour to 6 hours) and a twelfth of that'),
    })
    .prefault({})
    .describe('a budget is spent much faster than its period goes by, over a long and a short time alike'),
  learningLag: z
    .strictObject({
      ...common('warning', minuteMs),
      aboveMs: durationMs.min(1).default(minuteMs).describe('age of the oldest event that is not learned'),
    })
    .prefault({})
    .describe('learning is behind its log; rings until half of it is left'),
  qualityDrop: z
    .strictObject({
      ...common('warning', 10 * minuteMs),
      windowMs: windowMs.default(60 * minuteMs).describe('of the last so many milliseconds, to the minute'),
      above: share.default(0.05).describe('quality lost against the 24 hours before, two standard errors taken off'),
      minJudged: count.default(50).describe('with fewer judged answers on either side nothing is said'),
    })
    .prefault({})
    .describe('answers are worse than they were in the day before; rings until half of the loss is left'),
  collapse: z
    .strictObject({
      ...common('warning', 10 * minuteMs),
      windowMs: windowMs.default(60 * minuteMs).describe('of the last so many milliseconds, to the minute'),
      above: share.default(0.95).describe('share of the decisions that one model has'),
      before: share.default(0.8).describe('of the 24 hours before it had at most this share, else it is no news'),
      minDecisions: count.default(200).describe('with fewer decisions on either side nothing is said'),
    })
    .prefault({})
    .describe('nearly everything goes to one model, which was otherwise; rings until a twentieth less does'),
  propensityFloor: z
    .strictObject({
      ...common('warning', 10 * minuteMs),
      windowMs: windowMs.default(60 * minuteMs).describe('of the last so many milliseconds, to the minute'),
      above: share
        .default(0.9)
        .describe('share of decisions in which all models but one had the exploration floor alone'),
      minDecisions: count.default(200).describe('with fewer decisions nothing is said'),
    })
    .prefault({})
    .describe('only the exploration floor still tries other models, so the log can hardly say what they are worth'),
  deadLetters: z
    .strictObject({
      ...common('warning', 0),
      windowMs: windowMs
        .default(10 * minuteMs)
        .describe('time in which a record that was put aside is forgotten by two thirds'),
      count: count.default(10).describe('records that one service has put aside within it'),
    })
    .prefault({})
    .describe('records cannot be handled and become dead letters; rings until half of them are forgotten'),
  lag: z
    .strictObject({
      ...common('warning', minuteMs),
      aboveMs: durationMs
        .min(1)
        .default(10_000)
        .describe('age of what a service reads, or how long it has not been ready'),
    })
    .prefault({})
    .describe('a service is behind its topics, not ready, or silent; rings until half of it is left'),
  degraded: z
    .strictObject({
      ...common('warning', minuteMs),
      windowMs: windowMs.default(5 * minuteMs).describe('of the last so many milliseconds, to the minute'),
      above: share.default(0.05).describe('share of decisions below the top of the degradation ladder'),
      minDecisions: count.default(30).describe('with fewer decisions nothing is said'),
    })
    .prefault({})
    .describe(
      'decisions are made without the learned weights, or without all strategies; rings until half of the share is left',
    ),
  weightsHeld: z
    .strictObject(common('warning', 30 * minuteMs))
    .prefault({})
    .describe('newer weights are kept back: a trial, a rollback, or a log that is folded again'),
  disk: z
    .strictObject({
      ...common('critical', 0),
      freeBytesBelow: z
        .int()
        .min(1)
        .max(Number.MAX_SAFE_INTEGER)
        .default(1_073_741_824)
        .describe('bytes that are free'),
    })
    .prefault({})
    .describe('the disk of an embedded store is nearly full; rings until a quarter more is free'),
});

const webhookSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('unique; what metrics and the log call it'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an address that starts with https:// or http://' })
    .max(1_000)
    .refine((url) => !url.includes('@'), { error: 'must have no user or password in it; see urlEnv' })
    .nullable()
    .default(null)
    .describe('where it is told'),
  urlEnv: variable
    .nullable()
    .default(null)
    .describe('name of the environment variable with the address, where that is a secret'),
  secretEnv: variable
    .nullable()
    .default(null)
    .describe('name of the environment variable with the secret that deliveries are signed with; null: not signed'),
  minSeverity: z.enum(severities).default('warning').describe('not told of less'),
});

export const alertsSchema = z
  .strictObject({
    rules: alertRulesSchema.prefault({}).describe('what rings, and when'),
    webhooks: z
      .array(webhookSchema)
      .max(maxWebhooks)
      .default([])
      .describe('who is told of what rings and what has stopped'),
  })
  .prefault({})
  .describe('what needs a person, and who is told');

export type AlertsConfig = z.output<typeof alertsSchema>;
export type AlertRules = AlertsConfig['rules'];
export type RuleName = keyof AlertRules;
export type WebhookConfig = AlertsConfig['webhooks'][number];

export const ruleNames = Object.keys(alertRulesSchema.shape) as readonly RuleName[];

/** Rules over several fields, of the raw value. */
export function alertIssues(alerts: unknown): Issue[] {
  const webhooks = (alerts as { readonly webhooks?: unknown } | null | undefined)?.webhooks;
  if (!Array.isArray(webhooks) || webhooks.length > maxWebhooks) return [];
  const names = new Set<unknown>();
  return webhooks.flatMap((webhook: unknown, at): Issue[] => {
    if (typeof webhook !== 'object' || webhook === null) return [];
    const { name, url, urlEnv } = webhook as {
      readonly name?: unknown;
      readonly url?: unknown;
      readonly urlEnv?: unknown;
    };
    const issues: Issue[] = [];
    const issueAt = (field: string, message: string) =>
      issues.push({ path: ['alerts', 'webhooks', at, field], message, at: 'value' });
    if (names.has(name)) issueAt('name', `${JSON.stringify(name)} is the name of another webhook`);
    if (name !== undefined) names.add(name);
    const given = [url, urlEnv].filter((one) => one !== undefined && one !== null).length;
    if (given !== 1) issueAt('url', 'needs an address: url or urlEnv, one of the two');
    return issues;
  });
}
