/** GET and POST /v1/shadows: who judges the traffic without influence, what that would have been worth, and promotion. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RouterConfig, ShadowConfig } from '../../../lib/config/router-config';
import { shadowSchema } from '../../../lib/config/schema/shadow-schema';
import { dictionaryOf } from '../../../lib/dictionary';
import { listOf, objectOf } from '../../../lib/providers/any-json';
import {
  acceptRestartParameter,
  applyWanted,
  changeErrors,
  configToChange,
  ifMatchParameter,
} from '../configuration/apply-change';
import { configInForce } from '../configuration/config-in-force';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';
import { commandTrainer } from '../learning/command-trainer';

const name = z.string().min(1).max(100);
const changeSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('start'), shadow: shadowSchema }),
  z.strictObject({ action: z.literal('stop'), name }),
  z.strictObject({
    action: z.literal('promote'),
    name,
    force: z.boolean().default(false).describe('of a policy: without the gate'),
  }),
]);

const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() }).nullable();
const worthSchema = z.strictObject({
  refused: z.string().nullable().describe('why the log cannot tell; null when it can'),
  quality: interval.describe('mean of its answers, with an interval of 95 %'),
  costUsd: interval.describe('mean per request, in USD'),
  qualityGained: interval.describe('by the router, on the same draws'),
  savedUsd: interval.describe('by the router per request, in USD'),
});
const listSchema = z.strictObject({
  configVersion: z.int(),
  decisions: z.int().describe('of the last day that are evidence'),
  router: worthSchema.nullable().describe('what was decided; null where nothing is judged yet'),
  shadows: z.array(z.strictObject({ shadow: shadowSchema, worth: worthSchema.nullable() })),
});
const changedSchema = z.strictObject({ configVersion: z.int(), shadows: z.array(shadowSchema) });

const dayMs = 86_400_000;
const maxJudgedEvents = 20_000;
/** Judging takes a thread most of a second: whoever asks the same again within so long is told the same. */
const judgedAnewMs = 10_000;

export function shadowEndpoints(context: GatewayContext): Endpoint[] {
  const inForce = () => configInForce(context);
  const put = (request: FastifyRequest, wanted: unknown, replaces: number, action: string): Promise<string[]> =>
    applyWanted(context, request, wanted, { replaces, by: `POST /v1/shadows (${action})` });
  return [
    {
      method: 'GET',
      path: '/v1/shadows',
      summary: 'Who judges the traffic without influence, and what that would have been worth.',
      description: `Off-policy values over the last day, with intervals of 95 %, beside what was decided; also in GET /v1/analytics/counterfactuals. A shadow is asked about the newest 2,000 requests.`,
      responses: { 200: { doc: 'In configured order.', body: { schema: listSchema } } },
      errors: ['not_ready', 'overloaded'],
      handler: async (_request, reply) => {
        const { version, config } = inForce();
        const asOfMs = Math.ceil((context.clock.nowMs() + 1) / judgedAnewMs) * judgedAnewMs;
        const range = { fromMs: asOfMs - dayMs, toMs: asOfMs, asOfMs, maxEvents: maxJudgedEvents };
        const { decisions, policies } = await context.analytics.judge({
          ...range,
          routerUsdPerDecision: 0,
          withPrevious: false,
        });
        const worthOf = (kind: string, policy: string): z.output<typeof worthSchema> | null => {
          const found = policies.find((one) => one.kind === kind && one.policy === policy);
          if (!found) return null;
          const { refused, quality, costUsd, qualityGained, savedUsd } = found;
          return { refused, quality, costUsd, qualityGained, savedUsd };
        };
        return sendJson(reply, {
          configVersion: version,
          decisions,
          router: worthOf('router', 'router'),
          shadows: config.shadows.map((shadow) => ({ shadow, worth: worthOf('shadow', shadow.name) })),
        });
      },
    },
    {
      method: 'POST',
      path: '/v1/shadows',
      summary: 'Starts, stops or promotes a shadow: a new version of the configuration, or weights in force.',
      parameters: [ifMatchParameter, acceptRestartParameter],
      description:
        'A promoted strategy joins those that are asked; a promoted configuration takes the place of the one in force, with its providers, their rate limits, access, presets, tenants, budgets, alerts, answers, what is not learned from and what is read only at a start, where it says none of these; promoted weights are put in force by the trainer, if the gate agrees.',
      body: { schemas: [changeSchema], required: true },
      responses: { 200: { doc: 'The shadows there are now.', body: { schema: changedSchema } } },
      errors: [...changeErrors, 'trainer_timeout'],
      handler: async (request, reply) => {
        const change = readBody(changeSchema, request.body);
        const { version, config } = configToChange(context, request);
        if (change.action === 'start') {
          await put(request, { ...config, shadows: [...config.shadows, change.shadow] }, version, 'start');
        } else {
          const found = config.shadows.find((one) => one.name === change.name);
          if (!found) throw invalidField('name', `there is no shadow ${JSON.stringify(change.name)}`);
          const rest = config.shadows.filter((one) => one !== found);
          if (change.action === 'promote' && found.policy) {
            const requestedBy = request.asker.who.slice(0, 200);
            const { policySha256 } = found.policy;
            await commandTrainer(context, { kind: 'PROMOTE', policySha256, force: change.force, requestedBy });
          }
          const wanted = change.action === 'stop' ? { ...config, shadows: rest } : promoted(config, found, rest);
          await put(request, wanted, version, change.action);
        }
        const now = inForce();
        return sendJson(reply, { configVersion: now.version, shadows: now.config.shadows });
      },
    },
  ];
}

/** The configuration where a shadow decides. */
function promoted(config: RouterConfig, shadow: ShadowConfig, shadows: readonly ShadowConfig[]): unknown {
  const { strategy, policy, config: whole } = shadow;
  if (strategy !== undefined) {
    const strategies = config.strategies.includes(strategy) ? config.strategies : [...config.strategies, strategy];
    return { ...config, strategies, shadows };
  }
  if (policy !== undefined) return { ...config, shadows };
  if (whole === undefined)
    throw new HttpError(
      'refused',
      'it is a program of somebody else: no configuration can ask it for a decision',
      'name',
    );
  // Settings that are read only at a start would else go back to their defaults, and ask for a restart that has nothing to do with it.
  const { limits, feedback, cache, seed } = config;
  const readAtStart = { limits, feedback, cache, seed };
  // Where calls go and how many a provider takes, who may ask and under what names, what tenants may be given, what may be spent, who is told and which
  // judgements are false are seldom said in a configuration that is only to be tried.
  const { providers, access, presets, tenants, budgets, alerts, answers } = config;
  const { forget } = config.learning;
  const providerRateLimits = limitsOf(config.providerRateLimits, whole['models']);
  const carried = { providers, providerRateLimits, access, presets, tenants, budgets, alerts, answers };
  return { ...readAtStart, ...carried, ...whole, learning: { forget, ...objectOf(whole['learning']) }, shadows };
}

/** Those of providers that a model has: a limit of another one would be refused. */
function limitsOf(limits: RouterConfig['providerRateLimits'], models: unknown): RouterConfig['providerRateLimits'] {
  const asked = new Set(listOf(models).map((model) => objectOf(model)['provider']));
  return dictionaryOf(Object.entries(limits).filter(([provider]) => asked.has(provider)));
}
