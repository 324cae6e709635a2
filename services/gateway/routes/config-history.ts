/** The memory of the configuration: its versions, what changed between two, and the way back to one. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { diffConfig } from '../../../lib/config/diff-config';
import { configFromJson } from '../../../lib/config/parse-config';
import { configSchema } from '../../../lib/config/schema/config-schema';
import type { ConfigVersion } from '../../../lib/topics/generated/messages';
import { remark } from '../../../lib/topics/identifier-schemas';
import { applyChange, changeErrors, configToChange, ifMatchParameter } from '../configuration/apply-change';
import { configInForce } from '../configuration/config-in-force';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const maxChanges = 200;

const version = z.int().min(1);
const entrySchema = z.strictObject({
  version: z.int(),
  appliedAtMs: z.int(),
  appliedBy: z.string().describe('a file, a command, or an address over HTTP'),
  reason: z.string(),
});
const listSchema = z.strictObject({ inForce: z.int(), versions: z.array(entrySchema).describe('newest first') });
const versionSchema = z.strictObject({ ...entrySchema.shape, config: configSchema });
const diffSchema = z.strictObject({
  from: z.int(),
  to: z.int(),
  changes: z.array(z.string()).max(maxChanges).describe('path of each field, with both values'),
  omitted: z.int().describe('further changes'),
});
const wentBackSchema = z.strictObject({
  ...listSchema.shape,
  needsRestart: z.array(z.string()).describe('settings that are in force only after a restart, and of whom'),
});
const rollbackSchema = z.strictObject({
  version: version.describe('the version to go back to: it is put in force as a new one'),
  reason: remark.default('').describe('why, for who reads the history'),
});

const versionParameter = { type: 'string', pattern: '^[0-9]+$' } as const;

export function configHistoryEndpoints(context: GatewayContext): Endpoint[] {
  const inForce = () => configInForce(context);
  const find = async (wanted: number, field: string): Promise<ConfigVersion> => {
    const found = (await context.configHistory()).find((one) => one.version === wanted);
    if (!found) throw new HttpError('not_found', `there is no version ${wanted} in the history`, field);
    return found;
  };
  return [
    {
      method: 'GET',
      path: '/v1/config/history',
      summary: 'Every version of the configuration, with who put it in force, when and why.',
      responses: { 200: { doc: 'The versions.', body: { schema: listSchema } } },
      errors: ['not_ready'],
      handler: async (_request, reply) => {
        const versions = (await context.configHistory()).map(entryOf);
        return sendJson(reply, { inForce: inForce().version, versions });
      },
    },
    {
      method: 'GET',
      path: '/v1/config/history/{version}',
      summary: 'One version of the configuration.',
      parameters: [{ name: 'version', in: 'path', required: true, doc: 'its number', schema: versionParameter }],
      responses: { 200: { doc: 'The version, defaults filled in.', body: { schema: versionSchema } } },
      errors: ['invalid_field', 'not_found', 'not_ready'],
      handler: async (request, reply) => {
        const found = await find(numberOf((request.params as { version: string }).version, 'version'), 'version');
        return sendJson(reply, { ...entryOf(found), config: configFromJson(found.json) });
      },
    },
    {
      method: 'GET',
      path: '/v1/config/diff',
      summary: 'What changed between two versions.',
      parameters: [
        { name: 'from', in: 'query', required: true, doc: 'the earlier version', schema: versionParameter },
        { name: 'to', in: 'query', required: false, doc: 'default: the one in force', schema: versionParameter },
      ],
      responses: { 200: { doc: 'The changes.', body: { schema: diffSchema } } },
      errors: ['invalid_field', 'not_found', 'not_ready'],
      handler: async (request, reply) => {
        const from = await find(queryNumber(request, 'from', null), 'from');
        const to = await find(queryNumber(request, 'to', inForce().version), 'to');
        const changes = diffConfig(configFromJson(from.json), configFromJson(to.json));
        return sendJson(reply, {
          from: from.version,
          to: to.version,
          changes: changes.slice(0, maxChanges),
          omitted: Math.max(0, changes.length - maxChanges),
        });
      },
    },
    {
      method: 'POST',
      path: '/v1/config/rollback',
      summary: 'Puts an earlier version in force again, as a new one.',
      parameters: [ifMatchParameter],
      body: { schemas: [rollbackSchema], required: true },
      responses: { 200: { doc: 'What is in force now.', body: { schema: wentBackSchema } } },
      errors: [...changeErrors, 'not_found'],
      handler: async (request, reply) => {
        const { version: wanted, reason } = readBody(rollbackSchema, request.body);
        const before = configToChange(context, request).version;
        const found = await find(wanted, 'version');
        const why = `back to version ${wanted}${reason === '' ? '' : `: ${reason}`}`;
        const config = configFromJson(found.json);
        const change = { config, replaces: before, by: 'POST /v1/config/rollback', reason: why };
        const needsRestart = await applyChange(context, request, { ...change, whereRestartNeeded: 'tell' });
        const versions = (await context.configHistory()).map(entryOf);
        return sendJson(reply, { inForce: inForce().version, versions, needsRestart });
      },
    },
  ];
}

function entryOf({ version: number, appliedAtMs, appliedBy, reason }: ConfigVersion): z.output<typeof entrySchema> {
  return { version: number, appliedAtMs, appliedBy, reason };
}

function queryNumber(request: FastifyRequest, field: string, otherwise: number | null): number {
  const given = (request.query as Record<string, string | string[] | undefined>)[field];
  if (given === undefined && otherwise !== null) return otherwise;
  if (typeof given !== 'string') throw invalidField(field, 'must be the number of one version');
  return numberOf(given, field);
}

function numberOf(given: string, field: string): number {
  const number = Number(given);
  if (!/^\d{1,15}$/.test(given) || number < 1) throw invalidField(field, 'must be the number of a version');
  return number;
}
