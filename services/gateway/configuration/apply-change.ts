/**
 * The one way in which a route changes the configuration: what may not be changed over HTTP is refused, the version that is
 * replaced must be the one in force, and who did it is written down.
 */
import type { FastifyRequest } from 'fastify';
import { configToJson } from '../../../lib/config/parse-config';
import type { ProviderConfig } from '../../../lib/config/provider-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import { configSchema } from '../../../lib/config/schema/config-schema';
import { restartsNeeded } from '../../../lib/config/start-settings';
import type { GatewayContext } from '../endpoint';
import { type ErrorCode, HttpError, invalidField, invalidFields } from '../http/http-error';
import { checkPlainConfig } from './check-plain-config';
import { configInForce } from './config-in-force';

export interface Change {
  readonly config: RouterConfig;
  /** The version it replaces. */
  readonly replaces: number;
  /** The request that asked for it, such as `PUT`: it stands in front of who asked and from where. */
  readonly by: string;
  /** For who reads the history; default none. */
  readonly reason?: string;
  /** Where it changes what is read only at a start: by default refused unless the request accepts it. The way back is told of, and never shut. */
  readonly whereRestartNeeded?: 'refuse' | 'tell';
  /** What to say where `current` is in force by now. */
  readonly conflict?: (current: number) => string;
}

/** For routes that change what is in force: what whoever asks has read, where he wants nothing else to be changed. */
export const ifMatchParameter = {
  name: 'If-Match',
  in: 'header',
  required: false,
  doc: 'version (ETag of GET /v1/config) that is changed; 409 where another is in force',
  schema: { type: 'string', pattern: '^(W/)?"?[0-9]+"?$' },
} as const;

/** The version that the request says is in force; null where it says none. */
export function versionIfMatch(request: FastifyRequest): number | null {
  const given = request.headers['if-match'];
  if (given === undefined) return null;
  const version = Number(/^(?:W\/)?"?(\d+)"?$/.exec(given)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(version))
    throw new HttpError('invalid_field', `If-Match: ${given} is not a version`, 'If-Match');
  return version;
}

export function noLongerInForce(version: number, current: number): string {
  return `version ${version} is no longer in force: it is ${current} now; read it and try again`;
}

/** What is in force, to be changed by this request. Throws an HttpError where it is not the version that the request goes by. */
export function configToChange(context: GatewayContext, request: FastifyRequest): ReturnType<typeof configInForce> {
  const current = configInForce(context);
  const expected = versionIfMatch(request);
  if (expected !== null && expected !== current.version)
    throw new HttpError('version_conflict', noLongerInForce(expected, current.version), 'version');
  return current;
}

const changedMeanwhile = (): string => 'the configuration was changed meanwhile; try again';

/** For routes that may change what is read only at a start. */
export const acceptRestartParameter = {
  name: 'acceptRestart',
  in: 'query',
  required: false,
  doc: 'true puts in force what is read only at a start, too, for whoever is started from then on; without it such a change is refused',
  schema: { type: 'boolean' },
} as const;

function acceptsRestart(request: FastifyRequest): boolean {
  const { acceptRestart = 'false' } = request.query as Record<string, string | string[] | undefined>;
  if (acceptRestart !== 'true' && acceptRestart !== 'false')
    throw invalidField('acceptRestart', 'must be true or false');
  return acceptRestart === 'true';
}

/** What would be said to be in force, and is not before somebody has started it anew: whoever wants that says so. */
function refuseUntilRestart(needsRestart: readonly string[]): void {
  const [first] = needsRestart;
  if (first === undefined) return;
  throw new HttpError(
    'refused',
    `${needsRestart.join('; ')}; ask with acceptRestart=true to put it in force for whoever is started from then on`,
    first.slice(0, first.indexOf(':')),
  );
}

/** Resolves when this gateway has read the new version back, with what of it needs a restart, and of whom. Throws an HttpError where it is refused or comes too late. */
export async function applyChange(
  context: GatewayContext,
  request: FastifyRequest,
  { config, replaces, by, reason, whereRestartNeeded = 'refuse', conflict = changedMeanwhile }: Change,
): Promise<string[]> {
  const accepts = acceptsRestart(request);
  refuseUnputtable(context, config);
  const current = context.config();
  // Made for another version, it is not to be told what it would change in this one. A newer one has not come here yet: the writer says.
  if (current && current.version > replaces)
    throw new HttpError('version_conflict', conflict(current.version), 'version');
  const needsRestart = current ? restartsNeeded(current.config, config) : [];
  if (whereRestartNeeded === 'refuse' && !accepts) refuseUntilRestart(needsRestart);
  const { asker, ip } = request;
  const author = asker.isAnonymous ? '' : `by ${asker.who} `;
  const source = `${by} ${author}from ${ip} through ${context.id}`;
  const written = await context.configWriter.apply(config, replaces, source, reason);
  if (!written.ok) throw new HttpError('version_conflict', conflict(written.current?.version ?? 0), 'version');
  await context.untilInForce(written.applied.version);
  return needsRestart;
}

/** What a route may answer with that changes the configuration by a body. */
export const changeErrors = [
  'malformed_json',
  'invalid_field',
  'refused',
  'version_conflict',
  'body_too_large',
  'unsupported_media_type',
  'not_ready',
] as const satisfies readonly ErrorCode[];

/** The same with a configuration that was made from parts of a request: it is checked as one from a file. */
export async function applyWanted(
  context: GatewayContext,
  request: FastifyRequest,
  wanted: unknown,
  change: Omit<Change, 'config'>,
): Promise<string[]> {
  const checked = checkPlainConfig(wanted);
  if (!checked.ok) throw invalidFields(checked.issues);
  return applyChange(context, request, { ...change, config: checked.config });
}

/** What may be in a file, but cannot be put in force here. */
export function refuseUnputtable(context: Pick<GatewayContext, 'config' | 'faultsHere'>, config: RouterConfig): void {
  const before = context.config()?.config ?? null;
  refuseTooLarge(config);
  // It would be in force for nobody, and what is started next would not start. What is so already is for who changes it.
  const faultsBefore = before ? context.faultsHere(before) : [];
  for (const { field, message } of context.faultsHere(config))
    if (!faultsBefore.some((one) => one.field === field)) throw invalidField(field, message);
  refuseOtherAccess(before, config);
  refuseOtherAddresses(before, config);
  // Whoever reaches this port could else have the gateway's network asked...
  refuseOther('alerts.webhooks', before?.alerts.webhooks ?? [], config.alerts.webhooks);
  // ...or read what is kept from then on, with a key that he knows himself.
  refuseOther('answers.keys', before?.answers.keys ?? [], config.answers.keys);
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

/** A list that is the operator's word in a file, like those addresses. */
function refuseOther(field: string, before: readonly unknown[], after: readonly unknown[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  throw new HttpError(
    'refused',
    `${field}: cannot be changed here; put them into the file (serve --config, config apply)`,
    field,
  );
}
