/** The configuration a workload is played with at first: its models but for those that join later, what it means by utility, defaults for everything else. */
import { defaultRouterConfig } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { Workload } from '../workloads/workload';

export function workloadConfig(workload: Workload, settings: Partial<Omit<RouterConfig, 'models'>> = {}): RouterConfig {
  const later = workload.events.flatMap((event) => (event.kind === 'modelJoined' ? [event.model] : []));
  const models = workload.models.filter(({ name }) => !later.includes(name));
  return defaultRouterConfig(models, {
    ...(workload.utility && { preference: workload.utility.preference, utilityScale: workload.utility.scale }),
    ...settings,
  });
}
