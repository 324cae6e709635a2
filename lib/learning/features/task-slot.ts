/** The task type of a request as one of a few slots, so that what is learned of a kind of task needs no words to be seen. */
import { taskTypes } from '../../routing/open/infer-task';

/** Slots for hints that are no known type; different ones may share a slot. */
const hintSlots = 8;
export const taskSlots = taskTypes.length + hintSlots;

const knownSlots = new Map<string, number>(taskTypes.map((type, slot) => [type, slot]));

/** The slot of a task type: 0 … taskSlots - 1. */
export function taskSlotOf(taskType: string): number {
  const known = knownSlots.get(taskType);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (let i = 0; i < taskType.length; i++) hash = Math.imul(hash ^ taskType.charCodeAt(i), 0x01000193);
  return taskTypes.length + ((hash ^ (hash >>> 15)) & (hintSlots - 1));
}
