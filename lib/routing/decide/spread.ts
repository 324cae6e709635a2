/**
 * One model served by several: what it is drawn with is spread over its deployments by their weights, whichever of them the
 * strategies liked best, since they answer alike. Those that cannot serve now leave their part to the others.
 */
import type { RouteOpened } from '../../topics/generated/messages';

/** The same distribution where no model has several deployments. */
export function spreadOverDeployments(
  { candidates, deployments }: Pick<RouteOpened, 'candidates' | 'deployments'>,
  probabilities: readonly number[],
): readonly number[] {
  if (deployments.length === 0) return probabilities;
  const spread = [...probabilities];
  for (const { models, weights } of deployments) {
    let together = 0;
    let total = 0;
    const members: { readonly at: number; readonly weight: number }[] = [];
    for (const [i, { model, eligible }] of candidates.entries()) {
      const weight = weights[models.indexOf(model)];
      if (weight === undefined || !eligible) continue;
      members.push({ at: i, weight });
      together += probabilities[i] ?? 0;
      total += weight;
    }
    if (members.length < 2 || !(total > 0)) continue;
    for (const { at, weight } of members) spread[at] = (together * weight) / total;
  }
  return spread;
}
