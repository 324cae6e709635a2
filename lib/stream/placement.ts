/**
 * Which stages share a task. A stage says what is read, decided, written and kept; a placement says who does that
 * together. What stages of one task read of each other is handed on as a value, and all they write is one write.
 */
import type { AnyTopic } from '../topics/define-topic';
import type { ServiceDefinition } from './define-service';

/** Stages that share a task. */
export interface SharedTask {
  /** Name of the process that runs nothing but this task. */
  readonly name: string;
  /** Consumer group in which the task reads its topics. */
  readonly group: string;
  /** Names of the stages. Writers stand before readers, so that a record goes through all stages in one batch. */
  readonly stages: readonly string[];
}

/** Which stages share a task. A stage that no entry names has a task and a group of its own. */
export type Placement = readonly SharedTask[];

/** Every stage has a task of its own. */
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
  /** Through the log alone: others write the topic too, and the task could not tell its own records from theirs. */
  | 'log'
  /** By hand alone: nobody else writes the topic, so the task need not read it. */
  | 'hand'
  /** The task's own records go by hand, those of others through the log, where the task recognises its own by a header and leaves them out. */
  | 'both';

/**
 * How `topic` travels inside `group`. `graph`: all stages there are; `isExternal`: whether clients or anybody outside the
 * graph writes a topic.
 */
export function passageOf(
  topic: Pick<AnyTopic, 'name'>,
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
  return writers.every(({ ownOutput }) => ownOutput?.topics.some((own) => own.name === name)) ? 'both' : 'log';
}
