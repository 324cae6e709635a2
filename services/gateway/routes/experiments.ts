/** GET and POST /v1/experiments: what runs and how it stands; start, stop and promote. */
import { z } from 'zod';
import type { ExperimentConfig } from '../../../lib/config/router-config';
import { experimentSchema } from '../../../lib/config/schema/experiment-schema';
import { changeExperiments, type ExperimentChange } from '../../../lib/experiments/change-config';
import { definitionOf, rolloutOf } from '../../../lib/experiments/expose';
import { applyWanted, changeErrors, configToChange, ifMatchParameter } from '../configuration/apply-change';
import { configInForce } from '../configuration/config-in-force';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const name = z.string().min(1).max(100);
const changeSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('start'), experiment: experimentSchema }),
  z.strictObject({ action: z.literal('stop'), name }),
  z.strictObject({ action: z.literal('promote'), name, arm: name.describe('whose settings everybody gets') }),
]);

const mean = z.number().nullable();
const shownSchema = z.strictObject({
  experiment: experimentSchema.describe('as configured'),
  definition: z.string().describe('hash of who is in which arm and what the arms do; figures are of this one'),
  rollout: z.number().describe('share of its units that take part now'),
  stopped: z.string().nullable().describe('why a guardrail has stopped it'),
  arms: z.array(
    z.strictObject({ name: z.string(), units: z.int(), quality: mean, costUsd: mean, latencyMs: mean, failure: mean }),
  ),
  differences: z
    .array(
      z.strictObject({
        arm: z.string(),
        metric: z.string(),
        units: z.int(),
        difference: mean,
        lower: mean,
        upper: mean,
        pValue: z.number(),
      }),
    )
    .describe('arm less control, with an interval and a p-value that may be looked at any time'),
  ratioPValue: z.number().describe('of units arriving in the arms as assigned; below .001 something loses units'),
  updatedAtMs: z.int().nullable().describe('when its figures were true; at most a second late'),
});
const listSchema = z.strictObject({ configVersion: z.int(), experiments: z.array(shownSchema) });

export function experimentEndpoints(context: GatewayContext): Endpoint[] {
  const inForce = () => configInForce(context);
  const list = (): z.output<typeof listSchema> => {
    const { version, config } = inForce();
    return { configVersion: version, experiments: config.experiments.map((one) => shownOf(one, context)) };
  };
  return [
    {
      method: 'GET',
      path: '/v1/experiments',
      summary: 'The experiments that run, and how they stand.',
      responses: { 200: { doc: 'In configured order.', body: { schema: listSchema } } },
      errors: ['not_ready'],
      handler: (_request, reply) => sendJson(reply, list()),
    },
    {
      method: 'GET',
      path: '/v1/experiments/{name}',
      summary: 'One experiment.',
      parameters: [{ name: 'name', in: 'path', required: true, doc: 'its name', schema: { type: 'string' } }],
      responses: { 200: { doc: 'The experiment.', body: { schema: shownSchema } } },
      errors: ['not_found', 'not_ready'],
      handler: (request, reply) => {
        const { name: wanted } = request.params as { name: string };
        const found = inForce().config.experiments.find((one) => one.name === wanted);
        if (!found) throw new HttpError('not_found', `there is no experiment ${JSON.stringify(wanted)}`, 'name');
        return sendJson(reply, shownOf(found, context));
      },
    },
    {
      method: 'POST',
      path: '/v1/experiments',
      summary: 'Starts, stops or promotes an experiment: a new version of the configuration.',
      parameters: [ifMatchParameter],
      body: { schemas: [changeSchema], required: true },
      responses: { 200: { doc: 'What runs now.', body: { schema: listSchema } } },
      errors: changeErrors,
      handler: async (request, reply) => {
        const change = changeOf(readBody(changeSchema, request.body));
        if (change.kind === 'start') refuseStopped(change.experiment, context);
        const { version, config } = configToChange(context, request);
        const changed = changeExperiments(config, change);
        if (!changed.ok) throw invalidField(changed.field, changed.message);
        const by = `POST /v1/experiments (${change.kind})`;
        await applyWanted(context, request, changed.config, { replaces: version, by });
        return sendJson(reply, list());
      },
    },
  ];
}

/** It would run for nobody: its figures go on where they were, and they have broken a guardrail. */
function refuseStopped(experiment: ExperimentConfig, { experiments }: GatewayContext): void {
  const state = experiments.get(experiment.name);
  if (!state?.stopped || state.definition !== definitionOf(experiment)) return;
  const name = JSON.stringify(experiment.name);
  const why = `${name} was stopped by a guardrail (${state.stopped}), and its arms are the same`;
  throw invalidField('experiment.name', `${why}: to try it anew, from nothing, take another name`);
}

function changeOf(body: z.output<typeof changeSchema>): ExperimentChange {
  if (body.action === 'start') return { kind: 'start', experiment: body.experiment };
  return body.action === 'stop'
    ? { kind: 'stop', name: body.name }
    : { kind: 'promote', name: body.name, arm: body.arm };
}

function shownOf(experiment: ExperimentConfig, { experiments }: GatewayContext): z.output<typeof shownSchema> {
  const definition = definitionOf(experiment);
  const found = experiments.get(experiment.name);
  const state = found?.definition === definition ? found : undefined;
  const none = { units: 0, quality: null, costUsd: null, latencyMs: null, failure: null };
  return {
    experiment: experiment as z.output<typeof experimentSchema>,
    definition,
    rollout: rolloutOf(experiment, definition, (wanted) => experiments.get(wanted)),
    stopped: state?.stopped ?? null,
    arms: state?.arms ?? experiment.arms.map((arm) => ({ name: arm.name, ...none })),
    differences: state?.differences ?? [],
    ratioPValue: state?.ratioPValue ?? 1,
    updatedAtMs: state?.updatedAtMs ?? null,
  };
}
