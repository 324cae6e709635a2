/** Where gateways on Kafka keep what responses have said. */
import { randomUUID } from 'node:crypto';
import { processSettings } from '../../lib/config/process-settings';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { createKeptItems } from '../../services/gateway/doors/kept/kept-items';
import { distributedHome } from '../../services/home';
import { describeWithServers, kafkaAddress, redisUrl } from '../servers';
import { atEnd } from '../started';

const log = createLog({ level: 'silent' });
const entry = { response: null, provider: 'openai', previous: null, items: [{ role: 'assistant', content: 'hello' }] };

describeWithServers('what responses have said, of gateways on Kafka', () => {
  const environment = { KAFKA_BROKERS: kafkaAddress(), TOPIC_PREFIX: `kept-${randomUUID().slice(0, 8)}.` };
  const open = async (more: Record<string, string> = {}) => {
    const home = await distributedHome(processSettings({ ...environment, ...more }), { log, metrics: createMetrics() });
    atEnd(async () => {
      await home.deleteTopics();
      await home.close();
    });
    return home;
  };

  test('lies in the Redis that they share', async () => {
    const { clock, keyValue, keptItems: share } = await open({ REDIS_URL: redisUrl() });
    createKeptItems({ clock, log, share: share! }).keep('acme', new Map([['msg_1', entry]]));
    // Nobody is told when it is written.
    while ((await keyValue.keys('said', 9)).length < 3) await new Promise((resolve) => setImmediate(resolve));
    const other = createKeptItems({ clock, log, share: share! });
    expect((await other.find('acme', ['msg_1'], 1_000))!.get('msg_1')).toMatchObject(entry);
    expect(await other.nameOfOthers('other', ['msg_1'])).toBe('msg_1');
    expect(await other.nameOfOthers('acme', ['msg_1'])).toBeNull();
  });

  test('without a Redis has no store: the memory that stands in for it is no other than that of each', async () => {
    expect((await open()).keptItems).toBeUndefined();
  });
});
