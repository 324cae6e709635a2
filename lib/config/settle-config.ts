/**
 * Decides at the start of an engine whether its file or the log says what is in force. The log wins unless the file has
 * changed since it was last put in force and nobody else has changed anything meanwhile: a restart must not silently
 * undo what somebody did through PUT /v1/config.
 */
import { createHash } from 'node:crypto';
import type { ConfigApplied } from '../topics/generated/messages';
import { diffConfig } from './diff-config';
import { configFromJson, configToJson } from './parse-config';
import type { RouterConfig } from './router-config';

/** Where a configuration comes from, and how much it counts against what the log has. */
export interface ConfigOrigin {
  /** For the record and for people: `file router.yaml`, `PUT from 10.0.0.7 through gateway-…`. */
  readonly by: string;
  /**
   * `always` replaces whatever there is; `whenNewer` is a file at a start, as described above; `whenNone` is a built-in
   * example that stands in where nothing was ever put in force.
   */
  readonly wins: 'always' | 'whenNewer' | 'whenNone';
  /** Why; nothing is said by default. */
  readonly reason?: string;
  /** True for files: their hash is remembered. */
  readonly isFile: boolean;
}

export type Settled =
  /** The log has the same content already. */
  | { readonly kind: 'same' }
  | { readonly kind: 'apply'; readonly changes: readonly string[] }
  /** The log's version stays. `reason` is null where that is no surprise; `changes` lead from the log's to the file's. */
  | { readonly kind: 'keep'; readonly reason: string | null; readonly changes: readonly string[] };

/** `current` is the record in force; null when there is none. One that cannot be read counts as none. */
export function settleConfig(current: ConfigApplied | null, wanted: RouterConfig, origin: ConfigOrigin): Settled {
  const inForce = current && readable(current);
  if (!current || !inForce) return { kind: 'apply', changes: [] };
  const json = configToJson(wanted);
  // Compared with today's defaults filled in, so that a new release alone is no change.
  if (configToJson(inForce) === json) return { kind: 'same' };
  const changes = diffConfig(inForce, wanted);
  if (origin.wins === 'always') return { kind: 'apply', changes };
  if (origin.wins === 'whenNone') return { kind: 'keep', reason: null, changes };
  const { fileSha256, version, appliedBy } = current;
  const fileIsNew = fileSha256 !== sha256Of(json);
  const logIsFromFile = fileSha256 !== null && sha256Of(current.json) === fileSha256;
  if (fileIsNew && logIsFromFile) return { kind: 'apply', changes };
  const who = appliedBy === '' ? 'an older release' : appliedBy;
  const reason = fileIsNew
    ? `version ${version} (${who}) is in force and was not made from this file`
    : `version ${version} (${who}) has changed it since this file was last put in force`;
  return { kind: 'keep', reason, changes };
}

/** The hash that a record remembers of a file: of its content as JSON, so that comments and layout do not count. */
export function fileHashOf(config: RouterConfig): string {
  return sha256Of(configToJson(config));
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readable({ json }: ConfigApplied): RouterConfig | null {
  try {
    return configFromJson(json);
  } catch {
    return null;
  }
}
