/** The configuration in force as a service's view of the `config` table shows it, parsed once per version. */
import type { Metrics } from '../telemetry/metrics';
import type { ConfigApplied } from '../topics/generated/messages';
import { topics } from '../topics/topics';
import { configFromJson } from './parse-config';
import type { RouterConfig } from './router-config';

export interface CurrentConfig {
  readonly version: number;
  readonly appliedAtMs: number;
  readonly config: RouterConfig;
}

/**
 * A reader that keeps the last parsed version. It returns null before any configuration was applied. One that is not
 * valid (a foreign writer's) goes to `onInvalid`, once, and the one before it stays in force.
 */
export function createConfigReader(
  onInvalid: (applied: ConfigApplied, error: Error) => void,
): (view: { get(key: string): ConfigApplied | undefined }) => CurrentConfig | null {
  let read: ConfigApplied | undefined;
  let current: CurrentConfig | null = null;
  return (view) => {
    const applied = view.get('current');
    if (!applied || applied === read) return current;
    try {
      const { version, appliedAtMs } = applied;
      current = { version, appliedAtMs, config: configFromJson(applied.json) };
    } catch (error) {
      onInvalid(applied, error as Error);
    }
    read = applied;
    return current;
  };
}

/**
 * An `onInvalid` that counts, for services whose host knows no `tableChecks`: with them the view passes such a record over and
 * counts it, and nothing invalid comes here.
 */
export function countInvalidConfig(metrics: Metrics, service: string): () => void {
  return () => metrics.count('quantum_router_view_undecodable_total', { service, topic: topics.config.name });
}
