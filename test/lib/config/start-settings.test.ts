import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { restartsNeeded, startSettingsOf } from '../../../lib/config/start-settings';

const config = defaultRouterConfig([{ name: 'a', provider: 'p' }]);

test('what needs a restart is named with its field and who reads it; everything else is live', () => {
  const after = {
    ...config,
    limits: { ...config.limits, maxSessions: 7, maxPromptBytes: 5_000 },
    cache: { ...config.cache, enabled: false, ttlMs: 1 },
    seed: 2,
    explorationFloor: 0.5,
  };
  expect(restartsNeeded(config, after)).toEqual([
    'limits.maxSessions: needs a restart of route-intake',
    'cache.ttlMs: needs a restart of strategy-threads',
    'seed: needs a restart of every service',
  ]);
  expect(restartsNeeded(config, config)).toEqual([]);
  expect(startSettingsOf(after)).toMatchObject({ maxSessions: 7, cacheTtlMs: 1, windowMs: config.feedback.windowMs });
});
