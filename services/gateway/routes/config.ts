/** GET and PUT /v1/config: the configuration in force, changed by compare-and-set on its version. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { configLimits } from '../../../lib/config/config-limits';
import { configSchema } from '../../../lib/config/config-schema';
import { configToJson, type ParseResult } from '../../../lib/config/parse-config';
import type { ProviderConfig } from '../../../lib/config/provider-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import type { CheckedConfig } from '../check-plain-config';
import type { Endpoint, GatewayContext } from '../endpoint';
import { HttpError, invalidField, invalidFields } from '../http-error';
import { type ConfigParser, createConfigParser } from '../parse-config-apart';
import { readBody } from '../read-body';
import { sendJson } from '../send-json';

const reasonSchema = z.string().max(1_000).optional().describe('why, for who reads the history');
const inForceSchema = z.strictObject({
  version: z.int().min(0).describe('the version this replaces; 0 when there is none yet'),
  config: configSchema,
  reason: reasonSchema,
});
/** The configuration is checked apart, so that its faults come with the rules over several fields. */
const envelopeSchema = z.strictObject({ version: z.int().min(0), config: z.unknown(), reason: reasonSchema });
const appliedSchema = z.strictObject({ version: z.int(), appliedAtMs: z.int(), config: configSchema });

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
        {
          name: 'If-Match',
          in: 'header',
          required: false,
          doc: 'version (ETag) the new configuration replaces',
          schema: { type: 'string', pattern: '^(W/)?"?[0-9]+"?$' },
        },
      ],
      body: {
        schemas: [inForceSchema, configSchema],
        required: true,
        yaml: { type: 'string', maxLength: configLimits.maxBytes },
      },
      responses: { 200: { doc: 'In force from now on.', body: { schema: appliedSchema } } },
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
        refuseUnputtable(context, config);
        const written = await context.configWriter.apply(
          config,
          version,
          `PUT ${authorOf(request)}from ${request.ip} through ${context.id}`,
          reason,
        );
        if (!written.ok) {
          throw new HttpError(
            'version_conflict',
            `version ${version} is no longer in force: it is ${written.current?.version ?? 0} now; read it and try again`,
            'version',
          );
        }
        await context.untilInForce(written.applied.version);
        return sendCurrent(context, reply);
      },
    },
  ];
}

function sendCurrent(context: GatewayContext, reply: FastifyReply): string {
  const current = context.config();
  if (!current) throw new HttpError('not_ready', 'no configuration has been applied');
  reply.header('etag', `"${current.version}"`);
  return sendJson(reply, { version: current.version, appliedAtMs: current.appliedAtMs, config: current.config });
}

async function readConfig(
  request: FastifyRequest,
  parser: ConfigParser,
): Promise<{ config: RouterConfig; version: number; reason: string }> {
  const ifMatch = request.headers['if-match'];
  if (ifMatch !== undefined) {
    const version = Number(/^(?:W\/)?"?(\d+)"?$/.exec(ifMatch)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(version))
      throw new HttpError('invalid_field', `If-Match: ${ifMatch} is not a version`, 'If-Match');
    return {
      version,
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

/** What may be in a file, but cannot be put in force here. */
export function refuseUnputtable(context: Pick<GatewayContext, 'config'>, config: RouterConfig): void {
  refuseTooLarge(config);
  refuseOtherAccess(context.config()?.config ?? null, config);
  refuseOtherAddresses(context.config()?.config ?? null, config);
}

/** Bytes of a configuration on its topic, with every default filled in: a record has room for a million. */
const maxRecordBytes = 900_000;

function refuseTooLarge(config: RouterConfig): void {
  const bytes = Buffer.byteLength(configToJson(config));
  if (bytes > maxRecordBytes)
    throw invalidField('config', `takes ${bytes} bytes with all defaults, more than the ${maxRecordBytes} of a record`);
}

/**
 * Where calls go, and with which key, is the operator's word in a file: whoever reaches this port could else have the keys of
 * the gateway's environment sent to himself. The demonstration upstream is no address.
 */
function refuseOtherAddresses(before: RouterConfig | null, after: RouterConfig): void {
  const known = new Map(Object.entries(before?.providers ?? {}));
  const addressOf = ({ kind, baseUrl, apiKeyEnv, headersEnv }: ProviderConfig): string =>
    JSON.stringify([kind, baseUrl, apiKeyEnv, Object.entries(headersEnv).sort()]);
  for (const [name, provider] of Object.entries(after.providers)) {
    const existing = known.get(name);
    if (provider.kind === 'demo' || (existing && addressOf(existing) === addressOf(provider))) continue;
    throw new HttpError(
      'refused',
      `providers.${name}: kind, baseUrl, apiKeyEnv and headersEnv of a provider cannot be changed here; put them into the file (serve --config, config apply)`,
      `providers.${name}`,
    );
  }
}

/** Who may use the gateway is that, too: whoever may change prices must not make an issuer of his own an administrator. */
function refuseOtherAccess(before: RouterConfig | null, after: RouterConfig): void {
  if (before && JSON.stringify(before.access) === JSON.stringify(after.access)) return;
  if (!before && JSON.stringify(after.access) === JSON.stringify(configSchema.shape.access.parse(undefined))) return;
  throw new HttpError(
    'refused',
    'access: cannot be changed here; put it into the file (serve --config, config apply)',
    'access',
  );
}

/** In front of where a change came from. */
export function authorOf({ asker }: FastifyRequest): string {
  return asker.isAnonymous ? '' : `by ${asker.who} `;
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
