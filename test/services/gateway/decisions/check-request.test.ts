import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { checkRequest } from '../../../../services/gateway/decisions/check-request';
import type { GatewayContext } from '../../../../services/gateway/endpoint';
import { configOf, requestOf } from '../../../lib/routing/fixtures';

const context = { profiles: new Map(), tuning: new Map(), clock: createVirtualClock() } as unknown as GatewayContext;
const formulas =
  'Given $x^2 + y^2 = 25$ and $x * y = 12$, show that \\frac{x^3 + y^3}{x + y} = 2 * x * y - 3 (or not).';

test('what limits on complexity leave to nobody is refused at the door, with the field', () => {
  const config = configOf({ complexityLimits: [{ above: 0.3, models: ['large'] }] });
  const current = { version: 1, config, appliedAtMs: 1 };
  const limits = { ...noLimits, deniedModels: ['large'] };
  const refused = () => checkRequest(context, current, requestOf({ prompt: formulas, limits }));
  expect(refused).toThrow(/complexity: no eligible candidate: .*small \(complexity: 0\.\d+ is over 0\.3/);
  expect(() => checkRequest(context, current, requestOf({ prompt: 'Hello.', limits }))).not.toThrow();
  expect(() => checkRequest(context, current, requestOf({ prompt: formulas }))).not.toThrow();
  const unlimited = { ...current, config: configOf() };
  expect(() => checkRequest(context, unlimited, requestOf({ prompt: formulas, limits }))).not.toThrow();
});
