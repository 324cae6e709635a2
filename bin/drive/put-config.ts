/** Puts a configuration in force on a home whose topics may not exist yet. */
import { createConfigWriter, type InForce } from '../../lib/config/apply-config';
import type { RouterConfig } from '../../lib/config/router-config';
import type { ConfigOrigin } from '../../lib/config/settle-config';
import { ensureSinglePartitionTopic } from '../../lib/topics/ensure-topic';
import { topics } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';

/** Resolves with what is in force then, and whether it had to be written. */
export async function applyTo(home: EngineHome, config: RouterConfig, origin?: ConfigOrigin): Promise<InForce> {
  const { broker, clock, topicPrefix } = home;
  await ensureSinglePartitionTopic(broker, topics.config, topicPrefix);
  const writer = createConfigWriter({ broker, clock, name: home.createId(), topicPrefix });
  try {
    return await writer.putInForce(config, origin);
  } finally {
    await writer.close();
  }
}
