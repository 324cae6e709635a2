/** POST /v1/config/replay: what another configuration would have decided on recent traffic. Nothing is put in force. */
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import { z } from 'zod';
import type { RouterConfig } from '../../../lib/config/router-config';
import { dictionaryOf } from '../../../lib/dictionary';
import { type ConfigReplay, replayConfig, type Side } from '../../../lib/replay/replay-config';
import { configInForce } from '../configuration/config-in-force';
import { configsOf } from '../configuration/configs-of';
import type { ConfigParser } from '../configuration/parse-config-apart';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField, invalidFields } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const hourMs = 3_600_000;
const maxRequests = 5_000;
const version = z.int().min(1).nullable().default(null);

const askedSchema = z.strictObject({
  config: z.record(z.string(), z.unknown()).nullable().default(null).describe('the configuration that is asked about'),
  version: version.describe('or one of the history; the one in force where both are null'),
  against: version.describe('what it is compared with; the one in force where null'),
  lastMs: z
    .int()
    .min(1_000)
    .max(30 * 24 * hourMs)
    .default(hourMs)
    .describe('requests of so long'),
  maxRequests: z.int().min(1).max(maxRequests).default(1_000).describe('the newest of them'),
});

const sideSchema = z.strictObject({
  refused: z.int().describe('requests that no model could have served'),
  expectedCostUsd: z.number().describe('mean over the requests that both decide, in USD'),
  expectedQuality: z.number().describe('mean over the same, 0..1, as predicted by whoever judges there'),
  shares: z.record(z.string(), z.number()).describe('share of the draws by model'),
});
const replaySchema = z.strictObject({
  requests: z.int(),
  decided: z.int().describe('of these, by both configurations'),
  changed: z.int().describe('for which the same draw chooses another model'),
  withoutWeights: z.int().describe('judged without learned weights, since those of then are gone'),
  before: sideSchema,
  after: sideSchema,
});

export function configReplayEndpoint(context: GatewayContext, parser: ConfigParser): Endpoint {
  let isBusy = false;
  return {
    method: 'POST',
    path: '/v1/config/replay',
    summary: 'What another configuration would have decided on recent traffic, and what that would have changed.',
    description:
      'The newest opened requests are decided again under both configurations, by the functions that decide, with the same draw and the weights of then. Features, profiles and health stay as they were; budgets are left out.',
    body: { schemas: [askedSchema], required: false },
    responses: { 200: { doc: 'Both sides.', body: { schema: replaySchema } } },
    errors: [
      'malformed_json',
      'invalid_field',
      'not_found',
      'overloaded',
      'body_too_large',
      'unsupported_media_type',
      'not_ready',
    ],
    handler: async (request, reply) => {
      const asked = readBody(askedSchema, request.body ?? {});
      const current = configInForce(context);
      if (asked.config !== null && asked.version !== null)
        throw invalidField('version', 'must be null where a configuration is given');
      const history = new Map((await context.configHistory()).map((one) => [one.version, one.json]));
      const configOf = configsOf(history, current.config);
      const ofVersion = (wanted: number, field: string): RouterConfig => {
        if (!history.has(wanted))
          throw new HttpError('not_found', `there is no version ${wanted} in the history`, field);
        return configOf(wanted);
      };
      const given = async (config: Record<string, unknown>): Promise<RouterConfig> => {
        const checked = await parser.check(config);
        if (checked.ok) return checked.config;
        throw invalidFields(checked.issues.map((issue) => ({ ...issue, path: ['config', ...issue.path] })));
      };
      const after =
        asked.config !== null
          ? await given(asked.config)
          : asked.version === null
            ? current.config
            : ofVersion(asked.version, 'version');
      const before = asked.against === null ? current.config : ofVersion(asked.against, 'against');
      if (isBusy) throw new HttpError('overloaded', 'another configuration is being tried; try again later');
      isBusy = true;
      try {
        const found = await replayConfig({
          ...context.search,
          ...{ before, after, maxRequests: asked.maxRequests },
          sinceMs: context.clock.nowMs() - asked.lastMs,
          configOf,
          weightsOf: (opened) => context.inspect.weights(opened),
          giveWay: () => turnOfOthers(),
        });
        return sendJson(reply, shownOf(found));
      } finally {
        isBusy = false;
      }
    },
  };
}

function shownOf({ before, after, ...counts }: ConfigReplay): z.output<typeof replaySchema> {
  const side = ({ shares, ...rest }: Side) => ({ ...rest, shares: dictionaryOf(shares) });
  return { ...counts, before: side(before), after: side(after) };
}
