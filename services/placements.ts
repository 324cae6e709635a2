/** Which stages share a task, in each of the ways the engine can be run. A log is valid whichever of them wrote it, and one may follow another on it. */
import { defaultStrategyGroup } from '../lib/config/strategy-groups';
import { type Placement, separate } from '../lib/stream/placement';

export const chainName = 'route-chain';

/**
 * From request to decision in one task. It keeps the group of strategy-threads: intake and collapse have their positions
 * in the changelogs of their tables, which any placement goes on from, strategy-threads only in its group. Nor can
 * strategy threads of the separate placement then score beside the chain.
 */
const chained: Placement = [
  {
    name: chainName,
    group: defaultStrategyGroup,
    stages: ['route-intake', defaultStrategyGroup, 'route-collapse'],
  },
];

export const placements = { separate, chained } as const satisfies Record<string, Placement>;

export type PlacementName = keyof typeof placements;

export const placementNames = Object.keys(placements) as readonly PlacementName[];
