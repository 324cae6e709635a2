/**
 * Tells Kafka of processes that have died. Whoever saw one end knows it at once; the group would find out after the session
 * time-out, and what the process owned would stand still until then, or until its successor has started.
 */
import { type Clock, within } from '../../lib/ports/clock';
import { topics } from '../../lib/topics/topics';
import type { EngineHome, GroupDoor } from '../../services/home';
import type { ServiceProcess } from './supervisor';

/** The successor waits so long at most: it must not be taken for the dead one, whose name it has. */
const timeoutMs = 1_000;

/** Resolves when the dead process's group goes on without it, or `timeoutMs` later; never rejects. */
export async function expelDead(
  home: Pick<EngineHome, 'topicPrefix'> & GroupDoor & { readonly clock: Clock },
  { group = null, instanceId }: Pick<ServiceProcess, 'group' | 'instanceId'>,
): Promise<void> {
  if (group === null) return;
  const { topicPrefix, clock } = home;
  const expelled = home.expel(topicPrefix + group, [topicPrefix + topics.config.name], instanceId, timeoutMs);
  await within(clock, timeoutMs, expelled, () => {});
}
