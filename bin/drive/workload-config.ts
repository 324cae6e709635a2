/** The configuration a workload is played with: its models, what it means by utility, defaults for everything else. */
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { Workload } from '../../lib/evaluation/workload';

export function workloadConfig(workload: Workload, settings: Partial<Omit<RouterConfig, 'models'>> = {}): RouterConfig {
  return defaultRouterConfig(workload.models, {
    ...(workload.utility && { preference: workload.utility.preference, utilityScale: workload.utility.scale }),
    ...settings,
  });
}
