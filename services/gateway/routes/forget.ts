/** POST /v1/weights/forget: judgements that must not be learned from; the trainer folds the log anew without them. */
import { z } from 'zod';
import { forgetFault, forgetFields } from '../../../lib/config/schema/forget-schema';
import { remark } from '../../../lib/topics/identifier-schemas';
import { applyWanted, changeErrors, configToChange, ifMatchParameter } from '../configuration/apply-change';
import type { Endpoint, GatewayContext } from '../endpoint';
import { invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const ruleSchema = z.strictObject(forgetFields);
/** A rule that is new: its reason stands in the history too. Older ones may say what a reason must not any more. */
const newRuleSchema = ruleSchema.extend({ reason: remark.default('').describe('why, for who reads this') });
const answerSchema = z.strictObject({
  configVersion: z.int().describe('version of the configuration that has the rule'),
  forget: z.array(ruleSchema).describe('all rules that are in force now'),
});

export function forgetEndpoint(context: GatewayContext): Endpoint {
  return {
    method: 'POST',
    path: '/v1/weights/forget',
    summary: 'Leaves judgements out of what is learned, by source and time: a new version of the configuration.',
    description:
      'The trainer folds the log anew without them. What comes of it is a candidate, which the off-policy gate lets in or not; its version says under `forgot` how many judgements were left out and what is expected of each model instead.',
    parameters: [ifMatchParameter],
    body: { schemas: [newRuleSchema], required: true },
    responses: { 200: { doc: 'The rules.', body: { schema: answerSchema } } },
    errors: changeErrors,
    handler: async (request, reply) => {
      const rule = readBody(newRuleSchema, request.body);
      const fault = forgetFault(rule);
      if (fault) throw invalidField(fault.field, fault.message);
      const current = configToChange(context, request);
      const { config, version } = current;
      const { learning } = config;
      const wanted = { ...config, learning: { ...learning, forget: [...(learning.forget ?? []), rule] } };
      const { reason } = rule;
      await applyWanted(context, request, wanted, { replaces: version, by: 'POST /v1/weights/forget', reason });
      const now = context.config() ?? current;
      return sendJson(reply, { configVersion: now.version, forget: now.config.learning.forget ?? [] });
    },
  };
}
