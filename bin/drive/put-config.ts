/** Puts a configuration in force on a home whose topics may not exist yet. */
import { createConfigWriter } from '../../lib/config/apply-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { ensureSinglePartitionTopic } from '../../lib/topics/ensure-topic';
import { topics } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';

/** Resolves with the version in force, and whether it had to be written. */
export async function applyTo(
  home: EngineHome,
  config: RouterConfig,
): Promise<{ readonly version: number; readonly changed: boolean }> {
  const { broker, clock, topicPrefix } = home;
  await ensureSinglePartitionTopic(broker, topics.config, topicPrefix);
  const writer = createConfigWriter({ broker, clock, name: home.createId(), topicPrefix });
  try {
    return await writer.putInForce(config);
  } finally {
    await writer.close();
  }
}
