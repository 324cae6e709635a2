/** A gateway whose callers need keys, and a desk that makes them. */
import { createKeyDesk, type KeyWish } from '../../../lib/access/key-desk';
import { startGateway } from './start-gateway';

export const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

export async function startKeyedGateway(options: Parameters<typeof startGateway>[0] = {}) {
  const started = await startGateway(options);
  const desk = createKeyDesk({ broker: started.broker, clock: started.clock, topicPrefix: '', name: 'test' });
  /** What a view shows may be a moment old. */
  const seen = (): Promise<void> => started.clock.advanceBy(50);
  const admin = await desk.create({ name: 'admin', role: 'admin' }, 'test');
  await seen();
  return {
    ...started,
    desk,
    seen,
    admin,
    /** Resolves with the key and its id when the gateway knows it. */
    async key(wish: Partial<KeyWish> = {}) {
      const made = await desk.create({ name: 'k', ...wish }, 'test');
      await seen();
      return made;
    },
    /** A call whose answer takes the clock to go on. */
    async callLater(...args: Parameters<typeof started.call>) {
      let isDone = false;
      const answer = started.call(...args).finally(() => {
        isDone = true;
      });
      for (let turns = 0; !isDone && turns < 2_000; turns++) {
        await new Promise((resolve) => setImmediate(resolve));
        await started.clock.advanceBy(5);
      }
      return answer;
    },
  };
}
