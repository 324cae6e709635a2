/**
 * What a request must satisfy beyond its schema. The gateway answers 400 with the result, intake dead-letters with it: the
 * same function, so that both doors are equally wide.
 */
import { closest } from 'fastest-levenshtein';
import { collapseNames, type RouterConfig, strategyNames } from '../../config/router-config';
import type { Limits, RouteRequested } from '../../topics/generated/messages';
import { idFault, labelFault } from '../../topics/identifiers';
import { numberFault } from '../../topics/number-ranges';
import { textBytes } from './request-text';

/** `field` is a path such as `limits.maxCostUsd` or `strategies.1`. */
export interface InvalidRequest {
  readonly field: string;
  readonly reason: string;
}

export const maxStrategies = 8;
export const threadTimeoutRangeMs = { min: 1, max: 60_000 } as const;
export const maxListLength = 256;
export const maxMessages = 10_000;

/** The first fault, or null. Never echoes prompt text. A request from long ago is valid: intake decides what that means. */
export function validateRequest(request: RouteRequested, config: RouterConfig): InvalidRequest | null {
  return (
    invalidIds(request) ??
    invalidInput(request, config) ??
    invalidNumbers(request) ??
    invalidLimits(request.limits, config) ??
    invalidSessionLimit(request) ??
    invalidPreference(request) ??
    invalidNames(request)
  );
}

function fault(field: string, reason: string): InvalidRequest {
  return { field, reason };
}

function invalidIds(request: RouteRequested): InvalidRequest | null {
  for (const field of ['requestId', 'sessionId', 'replyTo'] as const) {
    const reason = request[field] === null ? null : idFault(request[field]);
    if (reason !== null)
      return fault(
        field,
        request[field] === '' && field === 'sessionId' ? `${reason}; leave it out for no session` : reason,
      );
  }
  for (const field of ['tenantId', 'userId', 'taskHint'] as const) {
    const reason = request[field] === null ? null : labelFault(request[field]);
    if (reason !== null) return fault(field, reason);
  }
  return listFault('requiredCapabilities', request.requiredCapabilities);
}

/** Names of a list are looked at one by one only up to the length that a list may have. */
function listFault(field: string, names: readonly string[]): InvalidRequest | null {
  if (names.length > maxListLength) return fault(field, `has more than ${maxListLength} entries`);
  for (const [at, name] of names.entries()) {
    const reason = idFault(name);
    if (reason !== null) return fault(`${field}.${at}`, reason);
  }
  return null;
}

function invalidInput(request: RouteRequested, config: RouterConfig): InvalidRequest | null {
  const given = [
    request.prompt !== null ? 'prompt' : '',
    request.messages.length > 0 ? 'messages' : '',
    request.features !== null ? 'features' : '',
  ].filter(Boolean);
  if (given.length === 0) return fault('prompt', 'one of prompt, messages and features must be given');
  if (given.length > 1)
    return fault(given[1]!, `give only one of prompt, messages and features, not ${given.join(' and ')}`);
  if (request.features !== null) return invalidFeatures(request.features, config.limits.maxFeatures);
  if (request.messages.length > maxMessages) {
    return fault('messages', `${request.messages.length} messages are more than ${maxMessages}`);
  }
  const bytes = textBytes(request);
  if (bytes === 0 && request.holds === null) return fault(given[0]!, 'must not be empty');
  const max = config.limits.maxPromptBytes;
  return bytes > max ? fault(given[0]!, `${bytes} bytes are more than limits.maxPromptBytes (${max})`) : null;
}

function invalidFeatures(features: Buffer, maxFeatures: number): InvalidRequest | null {
  const { length } = features;
  if (length === 0) return fault('features', 'must not be empty');
  if (length % 4 !== 0) return fault('features', `${length} bytes are no whole number of float32 values`);
  if (length / 4 > maxFeatures) {
    return fault('features', `${length / 4} values are more than limits.maxFeatures (${maxFeatures})`);
  }
  for (let at = 0; at < length; at += 4) {
    if (!Number.isFinite(features.readFloatLE(at))) return fault(`features.${at / 4}`, 'must be a finite number');
  }
  return null;
}

function invalidNumbers(request: RouteRequested): InvalidRequest | null {
  const outside = numberFault('RouteRequested', request);
  if (outside) return outside;
  for (const field of ['contextTokens', 'expectedOutputTokens'] as const) {
    const value = request[field];
    if (value !== null && value < 0) return fault(field, `must be 0 or more, not ${value}`);
  }
  const timeout = request.threadTimeoutMs;
  const { min, max } = threadTimeoutRangeMs;
  if (timeout !== null && !(timeout >= min && timeout <= max)) {
    return fault('threadTimeoutMs', `must be ${min} to ${max}, not ${timeout}`);
  }
  return null;
}

function invalidLimits(limits: Limits, config: RouterConfig): InvalidRequest | null {
  for (const field of ['maxCostUsd', 'maxSessionCostUsd', 'maxLatencyMs'] as const) {
    const value = limits[field];
    if (value !== null && !(value >= 0 && Number.isFinite(value))) {
      return fault(`limits.${field}`, `must be a finite number of 0 or more, not ${value}`);
    }
  }
  return (
    unknownName(limits.allowedModels, 'limits.allowedModels', 'model', () => config.models.map((m) => m.name)) ??
    unknownName(limits.deniedModels, 'limits.deniedModels', 'model', () => config.models.map((m) => m.name)) ??
    unknownName(limits.allowedProviders, 'limits.allowedProviders', 'provider', () =>
      config.models.map((m) => m.provider),
    ) ??
    unknownName(limits.deniedProviders, 'limits.deniedProviders', 'provider', () =>
      config.models.map((m) => m.provider),
    )
  );
}

/** Only a session has something that it has spent before. */
function invalidSessionLimit({ limits, sessionId }: RouteRequested): InvalidRequest | null {
  if (limits.maxSessionCostUsd === null || sessionId !== null) return null;
  return fault('limits.maxSessionCostUsd', 'needs a sessionId; use limits.maxCostUsd for a single request');
}

function invalidPreference({ preference }: RouteRequested): InvalidRequest | null {
  if (preference === null) return null;
  for (const field of ['quality', 'cost', 'latency'] as const) {
    const value = preference[field];
    if (!(value >= 0 && Number.isFinite(value))) {
      return fault(`preference.${field}`, `must be a finite number of 0 or more, not ${value}`);
    }
  }
  const total = preference.quality + preference.cost + preference.latency;
  if (!Number.isFinite(total)) return fault('preference', 'quality, cost and latency are too large');
  return total > 0 ? null : fault('preference', 'quality, cost and latency must not all be 0');
}

function invalidNames(request: RouteRequested): InvalidRequest | null {
  const { strategies, collapse } = request;
  if (strategies.length > maxStrategies) {
    return fault('strategies', `${strategies.length} strategies are more than ${maxStrategies}`);
  }
  const twice = strategies.findIndex((strategy, i) => strategies.indexOf(strategy) < i);
  return (
    unknownName(strategies, 'strategies', 'strategy', () => strategyNames) ??
    (twice >= 0 ? fault(`strategies.${twice}`, `"${strategies[twice]}" is listed twice`) : null) ??
    (collapse === null || collapseNames.some((name) => name === collapse)
      ? null
      : fault('collapse', notKnown('collapse', collapse, collapseNames)))
  );
}

/** `known` is only called for a non-empty list: most requests name nothing. */
function unknownName(
  names: readonly string[],
  field: string,
  kind: string,
  known: () => readonly string[],
): InvalidRequest | null {
  if (names.length === 0) return null;
  if (names.length > maxListLength) return fault(field, `has more than ${maxListLength} entries`);
  const all = known();
  const at = names.findIndex((name) => !all.includes(name));
  return at < 0 ? null : fault(`${field}.${at}`, notKnown(kind, names[at]!, all));
}

function notKnown(kind: string, name: string, known: readonly string[]): string {
  const shown = name.slice(0, 64);
  return `unknown ${kind} "${shown}"; the nearest known is "${closest(shown, known)}"`;
}
