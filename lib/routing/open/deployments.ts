/** Which of the configured models are one model, served by several: as decisions pin it. */
import type { RouterConfig } from '../../config/router-config';
import type { Deployments } from '../../topics/generated/messages';

const known = new WeakMap<RouterConfig['models'], readonly Deployments[]>();

/** Of all models with more than one deployment, in config order. Shared by all requests: change none. */
export function deploymentsOf({ models }: Pick<RouterConfig, 'models'>): readonly Deployments[] {
  let found = known.get(models);
  if (!found) {
    const groups = new Map<string, Deployments>();
    for (const { name, deploymentOf, deploymentWeight } of models) {
      if (deploymentOf === undefined) continue;
      const group = groups.get(deploymentOf) ?? { models: [], weights: [] };
      group.models.push(name);
      group.weights.push(deploymentWeight ?? 1);
      groups.set(deploymentOf, group);
    }
    found = [...groups.values()].filter((group) => group.models.length > 1);
    known.set(models, found);
  }
  return found;
}
