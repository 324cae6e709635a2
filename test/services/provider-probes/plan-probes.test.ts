import { planProbes } from '../../../services/provider-probes/plan-probes';
import { closed, configOf, nowMs, profileOf } from '../../lib/routing/fixtures';

test('a clock that is set back holds up no probe', () => {
  const probe = { everyMs: 10_000, timeoutMs: 1_000 };
  const config = configOf({ providers: { alpha: { kind: 'demo', probe } } });
  const half = profileOf('large', 'alpha', {
    breaker: closed({ health: 'HALF_OPEN', openings: 1, changedAtMs: nowMs }),
  });
  const probedAt = { providers: new Map<string, number>(), models: new Map<string, number>() };
  const planned = (atMs: number) =>
    planProbes(config, (model) => (model === 'large' ? half : undefined), probedAt, atMs).map(
      ({ model }) => model.name,
    );
  const dayMs = 86_400_000;
  expect(planned(nowMs + dayMs)).toEqual([]);
  expect(planned(nowMs + dayMs + 10_000)).toEqual(['large']);
  expect(planned(nowMs)).toEqual(['large']);
  expect(planned(nowMs + 9_999)).toEqual([]);
});
