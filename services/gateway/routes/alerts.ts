/** GET /v1/alerts and POST /v1/alerts/silences: what rings, what has stopped, and what nobody wants to be told of. */
import { z } from 'zod';
import { isActive } from '../../../lib/alerts/ring';
import { SilenceRefusedError } from '../../../lib/alerts/silence-desk';
import { alertRulesSchema, ruleNames, severities } from '../../../lib/config/schema/alert-schema';
import { sleep } from '../../../lib/ports/clock';
import type { AlertSilence } from '../../../lib/topics/generated/messages';
import { configInForce } from '../configuration/config-in-force';
import type { Endpoint, GatewayContext } from '../endpoint';
import { id, label } from '../http/field-schemas';
import { HttpError } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const minuteMs = 60_000;
const maxSilenceMs = 30 * 24 * 60 * minuteMs;

const changeSchema = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('start'),
    rule: z
      .enum(ruleNames as [string, ...string[]])
      .nullable()
      .default(null)
      .describe('alerts of this rule; null for all'),
    subject: label.max(200).nullable().default(null).describe('alerts about this; null for all'),
    durationMs: z
      .int()
      .min(minuteMs)
      .max(maxSilenceMs)
      .default(60 * minuteMs)
      .describe('how long it lasts, in milliseconds'),
    reason: id.max(200).describe('why, for whoever wonders'),
    author: label.max(200).default('').describe('who wants it; of a key its own name counts'),
  }),
  z.strictObject({ action: z.literal('end'), silenceId: id }),
]);

const alertSchema = z.strictObject({
  alertId: z.string(),
  rule: z.string(),
  subject: z.string().describe('provider, model, budget account or service; empty for the engine as a whole'),
  severity: z.enum(severities),
  state: z.enum(['RAISED', 'RESOLVED']),
  summary: z.string(),
  value: z.number().describe('when it last changed'),
  threshold: z.number(),
  raisedAtMs: z.int(),
  resolvedAtMs: z.int().nullable(),
  silencedUntilMs: z.int().nullable(),
  changedAtMs: z.int(),
});
const silenceSchema = z.strictObject({
  silenceId: z.string(),
  rule: z.string().describe('empty for all'),
  subject: z.string().describe('empty for all'),
  author: z.string(),
  reason: z.string(),
  createdAtMs: z.int(),
  untilMs: z.int(),
});
const answerSchema = z.strictObject({
  ringing: z.array(alertSchema).describe('critical ones first, then the newest'),
  resolved: z.array(alertSchema).describe('the newest that have stopped, newest first'),
  silences: z.array(silenceSchema).describe('those that last'),
  rules: alertRulesSchema.describe('as configured'),
});

export function alertEndpoints(context: GatewayContext): Endpoint[] {
  const { alerts, clock } = context;
  return [
    {
      method: 'GET',
      path: '/v1/alerts',
      summary: 'What rings, what has stopped, and what is silenced.',
      responses: { 200: { doc: 'The alerts.', body: { schema: answerSchema } } },
      errors: ['not_ready'],
      handler: (_request, reply) => sendJson(reply, answerOf(context)),
    },
    {
      method: 'POST',
      path: '/v1/alerts/silences',
      summary: 'Silences alerts for a while, or ends a silence.',
      description:
        'Silenced alerts ring on here, and nobody is told. Whoever was told that something rings is told that it has stopped.',
      body: { schemas: [changeSchema], required: true },
      responses: { 200: { doc: 'The alerts.', body: { schema: answerSchema } } },
      errors: [
        'malformed_json',
        'invalid_field',
        'not_found',
        'refused',
        'body_too_large',
        'unsupported_media_type',
        'not_ready',
      ],
      handler: async (request, reply) => {
        const change = readBody(changeSchema, request.body);
        const { who, isAnonymous } = request.asker;
        const nowMs = clock.nowMs();
        try {
          if (change.action === 'end') {
            await alerts.desk.end(change.silenceId, who);
            await until(
              context,
              () => !isActive(alerts.silences.get(change.silenceId) ?? { untilMs: 0 }, clock.nowMs()),
            );
          } else {
            const author = (isAnonymous && change.author !== '' ? change.author : who).slice(0, 200);
            const silence: AlertSilence = {
              ...{ silenceId: context.createId(), rule: change.rule ?? '', subject: change.subject ?? '', author },
              ...{ reason: change.reason, createdAtMs: nowMs, untilMs: nowMs + change.durationMs },
            };
            await alerts.desk.add(silence, who);
            await until(context, () => alerts.silences.get(silence.silenceId) !== undefined);
          }
        } catch (error) {
          if (!(error instanceof SilenceRefusedError)) throw error;
          throw error.reason === 'not-found'
            ? new HttpError('not_found', error.message, 'silenceId')
            : new HttpError('refused', error.message);
        }
        return sendJson(reply, answerOf(context));
      },
    },
  ];
}

function answerOf(context: GatewayContext): z.output<typeof answerSchema> {
  const { alerts, clock } = context;
  const current = configInForce(context);
  const all = [...alerts.view.values()].map(({ notify: _notify, ...alert }) => alert);
  const rank = ({ severity }: { severity: string }): number => (severity === 'critical' ? 0 : 1);
  return {
    ringing: all
      .filter(({ state }) => state === 'RAISED')
      .sort((a, b) => rank(a) - rank(b) || b.raisedAtMs - a.raisedAtMs),
    resolved: all.filter(({ state }) => state === 'RESOLVED').sort((a, b) => b.changedAtMs - a.changedAtMs),
    silences: [...alerts.silences.values()]
      .filter((silence) => isActive(silence, clock.nowMs()))
      .sort((a, b) => a.untilMs - b.untilMs),
    rules: current.config.alerts.rules,
  };
}

const checkIntervalMs = 5;
const maxChecks = 400;

/** Waits until this gateway has read it back, so that what it answers next is true. */
async function until({ clock }: GatewayContext, isKnown: () => boolean): Promise<void> {
  for (let checks = 0; checks < maxChecks && !isKnown(); checks++) await sleep(clock, checkIntervalMs);
}
