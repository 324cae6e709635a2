/** What a task works in. */
import type { Host } from '../host';
import type { GroupPlan } from '../service-plan';
import type { StageSurroundings } from './stage-run';

/** What the tasks of one group share. */
export interface TaskSurroundings {
  readonly plan: GroupPlan;
  readonly host: Host;
  /** As the plan has its stages. */
  readonly stages: readonly StageSurroundings[];
}
