/** From the body of a call to what it asks of the engine, and to the body that its provider gets. */
import type { IncomingHttpHeaders } from 'node:http';
import { routeRequest } from '../../../lib/client/build-records';
import { suggestName } from '../../../lib/config/describe-issues';
import type { ApiName } from '../../../lib/config/provider-config';
import type { PresetConfig, RouterConfig } from '../../../lib/config/router-config';
import { ownEntry } from '../../../lib/dictionary';
import { isJson } from '../../../lib/providers/any-json';
import { estimateTokens } from '../../../lib/routing/open/request-text';
import type { Holds, Limits, Message, RouteRequested } from '../../../lib/topics/generated/messages';
import { idFault } from '../../../lib/topics/identifiers';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { refuseOutOfScope } from '../access/check-scope';
import { innerId, tenantOf } from '../access/tenant-ids';
import { type Asker, nameIn } from '../access/who-is-asking';
import { wellFormed } from '../http/body-schemas';
import { HttpError, invalidField } from '../http/http-error';
import { readBody } from '../http/read-body';
import { type GivenMessage, readConversation } from '../http/read-conversation';
import {
  chatBodySchema,
  type Extension,
  embeddingsBodySchema,
  messagesBodySchema,
  responsesBodySchema,
} from './door-schemas';
import { spliceBody } from './splice-body';

type Json = Readonly<Record<string, unknown>>;

/** What the answer is checked against. */
export interface Expected {
  /** Null: any text will do; else it has to be JSON, and to be valid where there is a schema. */
  readonly structured: { readonly schema: unknown } | null;
  /** Parameters of each tool by its name. */
  readonly tools: ReadonlyMap<string, unknown>;
}

export interface DoorCall {
  readonly api: ApiName;
  readonly isStream: boolean;
  /** Whether the caller wants usage at the end of a stream of chat. */
  readonly wantsUsage: boolean;
  readonly expected: Expected;
  /** Whether its provider is to keep the answer. */
  readonly isKept: boolean;
  /** Whether its provider goes on with it when nobody waits for it. */
  readonly isBackground: boolean;
  /** What an answer is called that no provider gives a name; no log says it. */
  readonly answerId: string;
  /** What such an answer says that it goes on from. */
  readonly goesOnFrom: string | null;
  /** Headers that belong to the API and go to the provider. */
  readonly headers: Readonly<Record<string, string>>;
  readonly request: RouteRequested;
  /** The body for a provider that calls the model by this name; `provider` is its name in the configuration. */
  bodyFor(upstreamModel: string, provider: string): string;
}

/** A body as it came, and what it says. */
export interface GivenBody {
  /** For the provider of this name. */
  textFor(provider: string): string;
  readonly value: unknown;
}

export interface CallParts {
  readonly config: RouterConfig;
  readonly requestId: string;
  readonly answerId: string;
  readonly goesOnFrom: string | null;
  readonly nowMs: number;
  readonly asker: Asker;
  /** Configured models that can be called by this API, and by who asks. */
  readonly callable: readonly string[];
  /** What the call goes on from; null where it stands for itself. */
  readonly kept: KeptElsewhere | null;
}

/** Something that a provider keeps and a call goes on from. */
export interface KeptElsewhere {
  readonly field: 'previous_response_id' | 'conversation';
  readonly id: string;
  /** Null where nobody knows who has it. */
  readonly keeper: { readonly model: string; readonly provider: string } | null;
}

/** What a body of responses goes on from, as far as it says so in the right form; null where it does not. */
export function keptIn(body: unknown): Pick<KeptElsewhere, 'field' | 'id'> | null {
  if (!isJson(body)) return null;
  const { previous_response_id: previous, conversation } = body;
  if (typeof previous === 'string' && previous !== '') return { field: 'previous_response_id', id: previous };
  const id = isJson(conversation) ? conversation['id'] : conversation;
  return typeof id === 'string' && id !== '' ? { field: 'conversation', id } : null;
}

/** Throws an HttpError that names the field at fault. */
export function readCall(api: ApiName, given: GivenBody, headers: IncomingHttpHeaders, parts: CallParts): DoorCall {
  const asked = readers[api](given.value);
  const { body, extension } = asked;
  const { asker } = parts;
  refuseOutOfScope(asker, String(body['model']));
  const selected = selectModel(String(body['model']), asked, parts);
  const { config } = parts;
  const { messages, contextTokens } = shortened(asked.messages, config.limits.maxPromptBytes);
  const request = routeRequest({
    requestId: innerId(asker, 'id', parts.requestId),
    requestedAtMs: parts.nowMs,
    tenantId: tenantOf(asker, nameIn(headers, 'x-quantum-tenant'), 'x-quantum-tenant'),
    userId: nameIn(headers, 'x-quantum-user') ?? userIn(body),
    budgetApproved: headers['x-quantum-budget'] === 'approved' ? true : null,
    sessionId: sessionOf(headers, body, extension, asker),
    taskHint: nameIn(headers, 'x-quantum-task') ?? extension.taskHint ?? null,
    messages,
    holds: asked.holds,
    contextTokens,
    requiredCapabilities: requiredOf(asked, selected, config),
    limits: limitsOf(selected, extension, parts),
    preference: extension.preference ?? selected.preset?.preference ?? null,
    strategies: [...(extension.strategies ?? selected.preset?.strategies ?? [])],
    collapse: extension.collapse ?? selected.preset?.collapse ?? null,
  });
  const isStream = body['stream'] === true && api !== 'embeddings';
  const options = isJson(body['stream_options']) ? body['stream_options'] : {};
  return {
    api,
    isStream,
    wantsUsage: options['include_usage'] === true,
    expected: { structured: asked.structured, tools: asked.tools },
    isKept: body['store'] !== false,
    isBackground: api === 'responses' && body['background'] === true,
    answerId: parts.answerId,
    goesOnFrom: parts.goesOnFrom,
    headers: apiHeaders(api, headers),
    request,
    bodyFor: bodyMaker(api, given.textFor, body),
  };
}

function bodyMaker(api: ApiName, textFor: GivenBody['textFor'], { metadata }: Json): DoorCall['bodyFor'] {
  // Anthropic refuses whatever is no user there; a session is named for us.
  if (api !== 'messages' || !isJson(metadata) || !Object.hasOwn(metadata, 'session_id'))
    return (model, provider) => spliceBody(textFor(provider), { model }, ['quantum_router']);
  const { session_id: _session, ...others } = metadata;
  if (Object.keys(others).length === 0)
    return (model, provider) => spliceBody(textFor(provider), { model }, ['quantum_router', 'metadata']);
  return (model, provider) => spliceBody(textFor(provider), { model, metadata: others }, ['quantum_router']);
}

interface AskedBody {
  readonly body: Json;
  readonly extension: Extension;
  readonly messages: readonly Message[];
  readonly holds: Holds | null;
  readonly structured: Expected['structured'];
  readonly tools: ReadonlyMap<string, unknown>;
  readonly isPinnedOnly: string | null;
}

const readers: Readonly<Record<ApiName, (given: unknown) => AskedBody>> = {
  chat(given) {
    const body = readBody(chatBodySchema, given);
    const format = body.response_format;
    const isStructured = format?.type === 'json_schema' || format?.type === 'json_object';
    const { schema = null } = (isJson(format?.['json_schema']) ? format['json_schema'] : {}) as { schema?: unknown };
    return {
      ...asConversation(body, body.messages),
      structured: isStructured ? { schema } : null,
      tools: toolsOf(body.tools, (tool) => (isJson(tool['function']) ? tool['function'] : {}), 'parameters'),
    };
  },
  messages(given) {
    const body = readBody(messagesBodySchema, given);
    const system = body.system ? [{ role: 'system' as const, content: body.system }] : [];
    // The older of the two names came with the beta of it.
    const format = (isJson(body['output_config']) ? body['output_config']['format'] : null) ?? body['output_format'];
    const isStructured = isJson(format) && format['type'] === 'json_schema';
    return {
      ...asConversation(body, [...system, ...body.messages] as GivenMessage[]),
      structured: isStructured ? { schema: format['schema'] ?? null } : null,
      tools: toolsOf(body.tools, (tool) => tool, 'input_schema'),
    };
  },
  responses(given) {
    const body = readBody(responsesBodySchema, given);
    const format = body.text?.format;
    const type = format?.['type'];
    const isStructured = type === 'json_schema' || type === 'json_object';
    // What a provider keeps says nothing here, but that there is something.
    const input = body.input ?? [{ type: 'kept' }];
    const turns = typeof input === 'string' ? [turn('user', input)] : input.map(turnOfItem);
    const kept = body.previous_response_id ? 'previous_response_id' : body.conversation ? 'conversation' : null;
    return {
      ...asConversation(body, [...(body.instructions ? [turn('developer', body.instructions)] : []), ...turns]),
      structured: isStructured ? { schema: format?.['schema'] ?? null } : null,
      tools: toolsOf(body.tools, (tool) => (tool['type'] === 'function' ? tool : {}), 'parameters'),
      isPinnedOnly: kept && `with ${kept} must be a configured model of the provider that keeps it: nobody else has it`,
    };
  },
  embeddings(given) {
    const body = readBody(embeddingsBodySchema, given);
    const { input } = body;
    const texts = (typeof input === 'string' ? [input] : input).filter((one) => typeof one === 'string');
    return {
      ...asConversation(body, [turn('user', texts.length > 0 ? texts.join('\n') : [{ type: 'tokens' }])]),
      structured: null,
      tools: new Map(),
      isPinnedOnly: 'must be a configured model: vectors of different models cannot be compared',
    };
  },
};

function asConversation(body: Json, given: readonly GivenMessage[]) {
  const extension = (body['quantum_router'] ?? {}) as Extension;
  return { body, extension, ...readConversation(given), isPinnedOnly: null };
}

function turn(role: GivenMessage['role'], content: GivenMessage['content']): GivenMessage {
  return { role, content };
}

/** An item of the Responses API: a message, what a tool has answered, or something that is counted by its type. */
function turnOfItem(item: Json): GivenMessage {
  const { role, content, type, output } = item;
  if (typeof type === 'string' && type.endsWith('_call_output'))
    return typeof output === 'string' ? turn('tool', output) : turn('tool', partsOf(output));
  const isRole = role === 'user' || role === 'assistant' || role === 'system' || role === 'developer';
  if (typeof content === 'string') return turn(isRole ? role : 'user', content);
  if (Array.isArray(content)) return turn(isRole ? role : 'user', partsOf(content));
  return turn('assistant', [{ type: typeof type === 'string' ? type : 'item' }]);
}

function partsOf(given: unknown): { type: string }[] {
  const parts = Array.isArray(given) ? given : [given];
  return parts.filter((part): part is { type: string } => isJson(part) && typeof part['type'] === 'string');
}

function toolsOf(
  tools: readonly Json[] | null | undefined,
  functionOf: (tool: Json) => Json,
  schema: string,
): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  for (const tool of tools ?? []) {
    const declared = functionOf(tool);
    if (typeof declared['name'] === 'string') found.set(declared['name'], declared[schema] ?? null);
  }
  return found;
}

interface Selected {
  readonly pinned: string | null;
  readonly preset: PresetConfig | null;
}

/** What a call names as its model. Throws an HttpError where there is no such thing, or it cannot be called. */
export function selectModel(
  model: string,
  { isPinnedOnly }: Pick<AskedBody, 'isPinnedOnly'>,
  { config, callable, kept }: Pick<CallParts, 'config' | 'callable' | 'kept'>,
): Selected {
  const keeper = kept?.keeper ?? null;
  const isAuto = model === 'auto' || model.startsWith('auto/');
  if (isAuto && isPinnedOnly !== null) {
    if (keeper === null) throw invalidField('model', isPinnedOnly);
    if (callable.includes(keeper.model)) return { pinned: keeper.model, preset: null };
    throw invalidField('model', `${keeper.model}, which answered before, cannot be called any more: ${isPinnedOnly}`);
  }
  if (model === 'auto') return { pinned: null, preset: null };
  if (model.startsWith('auto/')) {
    const name = model.slice('auto/'.length);
    const preset = ownEntry(config.presets, name);
    if (preset) return { pinned: null, preset };
    throw unknownModel(
      model,
      Object.keys(config.presets).map((one) => `auto/${one}`),
    );
  }
  const known = config.models.map(({ name }) => name);
  if (!known.includes(model)) throw unknownModel(model, isPinnedOnly === null ? ['auto', ...known] : known);
  if (!callable.includes(model))
    throw new HttpError(
      'not_found',
      `model: "${model}" cannot be called by this API: its provider does not answer it, or has no key here`,
      'model',
    );
  const { provider } = config.models.find(({ name }) => name === model)!;
  if (kept && keeper && !areSame(config, provider, keeper.provider))
    throw invalidField(
      kept.field,
      `${keeper.provider} keeps it, and "${model}" is a model of ${provider}, which does not know it`,
    );
  return { pinned: model, preset: null };
}

/** Whether what one provider of the configuration keeps may be known to another: both may be one account somewhere. */
export function areSame({ providers }: RouterConfig, one: string, other: string): boolean {
  if (one === other) return true;
  const addresses = [one, other].map((name) => ownEntry(providers, name)?.baseUrl);
  return addresses[0] === addresses[1];
}

function unknownModel(model: string, known: readonly string[]): HttpError {
  return new HttpError('not_found', `model: there is no "${model}"${suggestName(model, known)}`, 'model');
}

function sessionOf(headers: IncomingHttpHeaders, body: Json, extension: Extension, asker: Asker): string | null {
  const metadata = isJson(body['metadata']) ? body['metadata'] : {};
  const inMetadata = metadata['session_id'];
  const session =
    nameIn(headers, 'x-quantum-session') ??
    extension.sessionId ??
    (typeof inMetadata === 'string' && inMetadata !== '' ? inMetadata : null);
  const fault = session === null ? null : idFault(session);
  if (fault !== null) throw invalidField('metadata.session_id', fault);
  return session === null ? null : innerId(asker, 'metadata.session_id', session);
}

/** What OpenAI's clients call the user of their application; whatever cannot be a name is the provider's business alone. */
function userIn({ user }: Json): string | null {
  return typeof user === 'string' && idFault(user) === null ? user : null;
}

/** Of a preset and of the call itself the narrower counts; beside those only what can be called is allowed. */
function limitsOf({ pinned, preset }: Selected, { limits: own }: Extension, { callable, config }: CallParts): Limits {
  const total = config.models.length;
  const of = preset?.limits;
  const lower = (a: number | null | undefined, b: number | null | undefined): number | null =>
    a === null || a === undefined ? (b ?? null) : Math.min(a, b ?? a);
  const both = (a: readonly string[] = [], b: readonly string[] = []): string[] => [...new Set([...a, ...b])];
  const narrowed = (a: readonly string[], b: readonly string[] = []): string[] =>
    b.length === 0 ? [...a] : a.filter((name) => b.includes(name));
  const allowed = narrowed(narrowed(pinned === null ? callable : [pinned], of?.allowedModels), own?.allowedModels);
  if (allowed.length === 0)
    throw new HttpError(
      'no_eligible_candidate',
      'limits.allowedModels: none of these can be called by this API',
      'limits.allowedModels',
    );
  const askedProviders = own?.allowedProviders ?? [];
  const providers = askedProviders.length > 0 ? narrowed(askedProviders, of?.allowedProviders) : of?.allowedProviders;
  if (askedProviders.length > 0 && providers?.length === 0)
    throw new HttpError(
      'no_eligible_candidate',
      'limits.allowedProviders: none of these is allowed by the preset',
      'limits.allowedProviders',
    );
  return {
    ...noLimits,
    maxCostUsd: lower(own?.maxCostUsd, of?.maxCostUsd),
    maxLatencyMs: lower(own?.maxLatencyMs, of?.maxLatencyMs),
    maxSessionCostUsd: own?.maxSessionCostUsd ?? null,
    // Where all may be called there is nothing to say: a list would only make every record longer. Who is named is named.
    allowedModels: pinned === null && allowed.length === total ? [] : allowed,
    deniedModels: both(own?.deniedModels, of?.deniedModels),
    allowedProviders: [...(providers ?? [])],
    deniedProviders: both(own?.deniedProviders, of?.deniedProviders),
  };
}

/** What a call needs counts where the configuration has a word for it; where no model says so, all are tried. */
function requiredOf({ holds, tools, structured }: AskedBody, { pinned }: Selected, { models }: RouterConfig): string[] {
  if (pinned !== null) return [];
  const needed = [
    ...((holds?.images ?? 0) > 0 ? ['vision'] : []),
    ...((holds?.audio ?? 0) > 0 ? ['audio'] : []),
    ...(tools.size > 0 ? ['tools'] : []),
    ...(structured ? ['json'] : []),
  ];
  return needed.filter((word) => models.some(({ capabilities }) => capabilities?.includes(word)));
}

/** A model may be sent more text than a record holds. What was said last is what is routed by; its size is that of all. */
function shortened(messages: readonly Message[], maxBytes: number): { messages: Message[]; contextTokens: number } {
  const kept: Message[] = [];
  let bytes = 0;
  for (const { role, content } of [...messages].reverse()) {
    const text = wellFormed(content);
    const room = Math.max(0, maxBytes - bytes);
    const size = Buffer.byteLength(text);
    bytes += size;
    if (size <= room) kept.push({ role, content: text });
    // Characters have at most three bytes a code unit, so that many units fit whatever they are.
    else if (room > 0) kept.push({ role, content: wellFormed(text.slice(-Math.floor(room / 3))) });
  }
  return { messages: kept.reverse(), contextTokens: estimateTokens(bytes) };
}

const anthropicHeaders = ['anthropic-version', 'anthropic-beta'];

export function apiHeaders(api: ApiName, headers: IncomingHttpHeaders): Record<string, string> {
  if (api !== 'messages') return {};
  const [version, beta] = anthropicHeaders.map((name) => {
    const value = headers[name];
    return typeof value === 'string' && /^[\x20-\x7e]{1,1000}$/.test(value) ? value : null;
  });
  return {
    ...(version && { 'anthropic-version': version }),
    ...(beta && { 'anthropic-beta': beta }),
  };
}
