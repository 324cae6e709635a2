/**
 * Which stages share a task. A stage says what is read, decided, written and kept; a placement says who does that
 * together. What stages of one task read of each other is handed on as a value, and all they write is one write.
 */
import type { Topic } from '../topics/define-topic';
import type { ServiceDefinition } from './define-service';

/** Stages that share a task. */
export interface SharedTask {
  /** Of the process that runs it alone. */
  readonly name: string;
  /** Consumer group of the topics that it reads. */
  readonly group: string;
  /** Names of stages, writers before readers: then a record goes through all of them in one batch. */
  readonly stages: readonly string[];
}

/** Stages that no entry names have a task and a group of their own. */
export type Placement = readonly SharedTask[];

/** Every stage for itself. */
export const separate: Placement = [];

/** The stages of one consumer group. */
export interface StageGroup {
  readonly name: string;
  readonly group: string;
  readonly stages: readonly ServiceDefinition[];
}

export function alone(stage: ServiceDefinition): StageGroup {
  return { name: stage.group, group: stage.group, stages: [stage] };
}

/** The groups that `stages` form, in the order of their first stages. */
export function place(stages: readonly ServiceDefinition[], placement: Placement): StageGroup[] {
  const groups: StageGroup[] = [];
  const placed = new Set<string>();
  for (const stage of stages) {
    const shared = placement.find((entry) => entry.stages.includes(stage.group));
    if (!shared) groups.push(alone(stage));
    else if (!placed.has(shared.name)) {
      placed.add(shared.name);
      const own = shared.stages.flatMap((name) => stages.filter((one) => one.group === name));
      groups.push({ name: shared.name, group: shared.group, stages: own });
    }
  }
  return groups;
}

/** How a topic gets from a stage that writes it to one that reads it in the same task. */
export type Passage =
  /** Through the log alone: others write it too, and the task could not tell its own records from theirs. */
  | 'log'
  /** By hand alone: nobody else writes it. */
  | 'hand'
  /** Own records by hand, those of others through the log; own ones are recognised there by their id and left out. */
  | 'both';

/**
 * How `topic` travels inside `group`. `graph`: all stages there are; `isExternal`: whether clients or anybody outside the
 * graph writes a topic.
 */
export function passageOf(
  topic: Pick<Topic<never>, 'name'>,
  { stages }: StageGroup,
  graph: readonly ServiceDefinition[],
  isExternal: (topic: string) => boolean,
): Passage {
  const { name } = topic;
  const writes = (stage: ServiceDefinition): boolean => stage.outputs.some((output) => output.name === name);
  const writers = stages.filter(writes);
  if (writers.length === 0 || stages.length === 1) return 'log';
  const others = isExternal(name) || graph.some((stage) => writes(stage) && !stages.includes(stage));
  if (!others) return 'hand';
  return writers.every(({ ownOutput }) => ownOutput?.topic.name === name) ? 'both' : 'log';
}
