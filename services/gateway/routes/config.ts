/** GET and PUT /v1/config: the configuration in force, changed by compare-and-set on its version. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { configLimits } from '../../../lib/config/config-limits';
import type { ParseResult } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import { configSchema } from '../../../lib/config/schema/config-schema';
import { remark } from '../../../lib/topics/identifier-schemas';
import {
  acceptRestartParameter,
  applyChange,
  ifMatchParameter,
  noLongerInForce,
  versionIfMatch,
} from '../configuration/apply-change';
import type { CheckedConfig } from '../configuration/check-plain-config';
import { configInForce } from '../configuration/config-in-force';
import { type ConfigParser, createConfigParser } from '../configuration/parse-config-apart';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidFields } from '../http/http-error';
import { readBody } from '../http/read-body';
import { sendJson } from '../http/send-json';

const reasonSchema = remark.optional().describe('why, for who reads the history');
const inForceSchema = z.strictObject({
  version: z.int().min(0).describe('the version this replaces; 0 when there is none yet'),
  config: configSchema,
  reason: reasonSchema,
});
/** The configuration is checked apart, so that its faults come with the rules over several fields. */
const envelopeSchema = z.strictObject({ version: z.int().min(0), config: z.unknown(), reason: reasonSchema });
const appliedSchema = z.strictObject({ version: z.int(), appliedAtMs: z.int(), config: configSchema });
const putSchema = z.strictObject({
  ...appliedSchema.shape,
  needsRestart: z.array(z.string()).describe('settings that are in force only after a restart, and of whom'),
});

export function configEndpoints(context: GatewayContext): Endpoint[] {
  const parser = createConfigParser();
  return [
    {
      method: 'GET',
      path: '/v1/config',
      summary: 'The configuration in force and its version (also as ETag).',
      responses: { 200: { doc: 'Configuration, defaults filled in.', body: { schema: appliedSchema } } },
      errors: ['not_ready'],
      handler: (_request, reply) => sendCurrent(context, reply),
    },
    {
      method: 'PUT',
      path: '/v1/config',
      summary: 'Puts a configuration in force if the version is still the one you read.',
      description: `Either \`{ version, config }\`, or the configuration alone as JSON or YAML (application/yaml) with the version in If-Match. YAML has at most ${configLimits.maxBytes} bytes, ${configLimits.maxKeys} keys and ${configLimits.maxDepth} levels.`,
      parameters: [
        { ...ifMatchParameter, doc: 'version (ETag) the new configuration replaces' },
        acceptRestartParameter,
      ],
      body: {
        schemas: [inForceSchema, configSchema],
        required: true,
        yaml: { type: 'string', maxLength: configLimits.maxBytes },
      },
      responses: { 200: { doc: 'In force from now on.', body: { schema: putSchema } } },
      errors: [
        'malformed_json',
        'invalid_field',
        'version_conflict',
        'refused',
        'version_required',
        'body_too_large',
        'unsupported_media_type',
        'not_ready',
      ],
      handler: async (request, reply) => {
        const { config, version, reason } = await readConfig(request, parser);
        const needsRestart = await applyChange(context, request, {
          config,
          replaces: version,
          by: 'PUT',
          reason,
          conflict: (current) => noLongerInForce(version, current),
        });
        return sendCurrent(context, reply, { needsRestart });
      },
    },
  ];
}

function sendCurrent(context: GatewayContext, reply: FastifyReply, more: Record<string, unknown> = {}): string {
  const current = configInForce(context);
  reply.header('etag', `"${current.version}"`);
  return sendJson(reply, {
    version: current.version,
    appliedAtMs: current.appliedAtMs,
    config: current.config,
    ...more,
  });
}

async function readConfig(
  request: FastifyRequest,
  parser: ConfigParser,
): Promise<{ config: RouterConfig; version: number; reason: string }> {
  const ifMatch = versionIfMatch(request);
  if (ifMatch !== null) {
    return {
      version: ifMatch,
      reason: '',
      config:
        typeof request.body === 'string'
          ? configOfYaml(await parser.parse(request.body))
          : configOf(await parser.check(request.body), []),
    };
  }
  const isEnvelope = typeof request.body === 'object' && request.body !== null && 'version' in request.body;
  if (!isEnvelope)
    throw new HttpError(
      'version_required',
      'say which version this replaces: send { version, config }, or the version in If-Match',
      'version',
    );
  const { version, config, reason = '' } = readBody(envelopeSchema, request.body);
  return { version, reason, config: configOf(await parser.check(config), ['config']) };
}

function configOf(checked: CheckedConfig, under: readonly string[]): RouterConfig {
  if (checked.ok) return checked.config;
  throw invalidFields(checked.issues.map((issue) => ({ ...issue, path: [...under, ...issue.path] })));
}

function configOfYaml(parsed: ParseResult): RouterConfig {
  if (parsed.ok) return parsed.config;
  const faults = parsed.errors.map((error) => ({
    field: error.path,
    message: `line ${error.line}, column ${error.column}: ${error.message}`,
  }));
  throw new HttpError(
    'invalid_field',
    `${faults[0]!.field || 'body'}: ${faults[0]!.message}`,
    faults[0]!.field,
    faults,
  );
}
