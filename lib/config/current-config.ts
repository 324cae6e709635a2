/** The configuration in force as a service's view of the `config` table shows it, parsed once per version. */
import type { ConfigApplied } from '../topics/generated/messages';
import { configFromJson } from './parse-config';
import type { RouterConfig } from './router-config';

export interface CurrentConfig {
  readonly version: number;
  readonly config: RouterConfig;
}

/**
 * A reader that keeps the last parsed version. It returns null before any configuration was applied, and throws (naming
 * the faulty fields) for one that is not valid: nobody can work by it.
 */
export function createConfigReader(): (view: { get(key: string): ConfigApplied | undefined }) => CurrentConfig | null {
  let current: CurrentConfig | null = null;
  return (view) => {
    const applied = view.get('current');
    if (!applied) return null;
    if (current?.version !== applied.version) {
      current = { version: applied.version, config: configFromJson(applied.json) };
    }
    return current;
  };
}
