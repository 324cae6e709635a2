/** A configuration that came as JSON: checked as one from a file is, with references refused. */
import type { Issue } from '../../../lib/config/describe-issues';
import { referenceIssues } from '../../../lib/config/expand-references';
import { validateConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';

export type CheckedConfig =
  | { readonly ok: true; readonly config: RouterConfig }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export function checkPlainConfig(raw: unknown): CheckedConfig {
  const checked = validateConfig(raw);
  const issues = [...referenceIssues(raw), ...(checked.ok ? [] : checked.issues)];
  return checked.ok && issues.length === 0 ? { ok: true, config: checked.config } : { ok: false, issues };
}
