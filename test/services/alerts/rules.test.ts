/** Every rule as it is by default: what makes it ring, and what makes it stop. */

import { ruleNames } from '../../../lib/config/schema/alert-schema';
import type { BudgetState, ServiceVitals } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { decided } from '../reward-feedback/records';
import { type AlertWorld, hourMs, minuteMs, secondMs, startAlerts } from './alert-world';

const dayMs = 24 * hourMs;
const rung = new Set<string>();

/** Rings after `forMs` and not before; then it is fine, and it stops. */
async function ringsAndStops(
  alerts: AlertWorld,
  [rule, subject]: readonly [string, string],
  steps: {
    readonly wrong: (durationMs: number) => Promise<void>;
    readonly fine: () => Promise<void>;
    readonly forMs: number;
  },
): Promise<void> {
  rung.add(rule);
  const name = `${rule} ${subject} `.replace('  ', ' ');
  if (steps.forMs > 0) {
    await steps.wrong(steps.forMs - 15 * secondMs);
    expect(alerts.said()).toEqual([]);
  }
  await steps.wrong(45 * secondMs);
  expect(alerts.said()).toEqual([`${name}RAISED`]);
  await steps.fine();
  expect(alerts.said()).toEqual([`${name}RAISED`, `${name}RESOLVED`]);
}

const service = (change: Partial<ServiceVitals>): { services: ServiceVitals[] } => ({
  services: [{ service: 'route-collapse', lagMs: 0, deadLetters: 0, ...change }],
});

test('a provider is down until its breaker has closed', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs);
  await alerts.call(12, { status: 'FAILURE', model: 'charlie', provider: 'zenith' });
  await ringsAndStops(alerts, ['providerDown', 'zenith'], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.pass(2 * minuteMs);
      await alerts.call(10, { model: 'charlie', provider: 'zenith' });
      await alerts.pass(30 * secondMs);
    },
    forMs: 30 * secondMs,
  });
  expect(alerts.alerts()[0]).toMatchObject({
    severity: 'critical',
    notify: true,
    summary: expect.stringContaining('zenith'),
  });
});

test('a provider that nobody has asked for since it might be well again is not out for ever', async () => {
  const alerts = await startAlerts();
  await alerts.call(10, { model: 'charlie', provider: 'zenith', status: 'FAILURE' });
  await alerts.pass(60 * secondMs);
  expect(alerts.said()).toHaveLength(1);
  // Five seconds open, two minutes half open, and from then on requests come to it again.
  await alerts.pass(2 * minuteMs);
  expect(alerts.said()).toHaveLength(2);
  expect(alerts.alerts().at(-1)).toMatchObject({ rule: 'providerDown', subject: 'zenith', state: 'RESOLVED' });
});

test('calls of a provider fail', async () => {
  const alerts = await startAlerts();
  // One in five: too few in a row for a breaker.
  const some = async (failed: number): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      await alerts.call(4 - failed);
      await alerts.call(failed, { status: 'TIMEOUT' });
    }
  };
  await some(1);
  await alerts.pass(30 * secondMs);
  await ringsAndStops(alerts, ['errorRate', 'acme'], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.pass(5 * minuteMs);
      await some(0);
      await alerts.pass(30 * secondMs);
    },
    forMs: 45 * secondMs,
  });
});

test('a budget is spent much faster than its period goes by, and is not once spending is slow again', async () => {
  const alerts = await startAlerts();
  const { clock } = alerts.world;
  const periodStartMs = clock.nowMs();
  const state: BudgetState = {
    ...{ account: 'monthly/team', budget: 'monthly', scope: 'tenant', owner: 'team', level: 'OK' },
    ...{ limitUsd: 1_000, limitTokens: null, limitCalls: null, spentUsd: 0, spentTokens: 0, spentCalls: 0 },
    ...{ reservedUsd: 0, reservedTokens: 0, reservedCalls: 0, beyondReservedUsd: 0, refusals: 0, unreported: 0 },
    ...{ periodStartMs, periodEndMs: periodStartMs + 30 * dayMs, updatedAtMs: periodStartMs },
  };
  let spentUsd = 0;
  const spend = async (durationMs: number, usdPerMinute: number): Promise<void> => {
    for (let passed = 0; passed < durationMs; passed += minuteMs) {
      spentUsd += usdPerMinute;
      await alerts.world.send(topics.budgetStates, [{ ...state, spentUsd }]);
      await alerts.pass(minuteMs);
    }
  };
  // An even pace takes 2.3 cents a minute; ten times as much for an hour, and a burst of a minute, are no fast burn.
  await spend(hourMs, 0.1);
  await spend(minuteMs, 5);
  await spend(10 * minuteMs, 0.02);
  expect(alerts.said()).toEqual([]);
  rung.add('budgetBurn');
  await spend(40 * minuteMs, 1);
  expect(alerts.said()).toEqual(['budgetBurn monthly/team RAISED']);
  await spend(2 * hourMs, 0.01);
  expect(alerts.said()).toEqual(['budgetBurn monthly/team RAISED', 'budgetBurn monthly/team RESOLVED']);
});

test('learning is behind its log', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs, { learningLagMs: 50 * secondMs });
  await ringsAndStops(alerts, ['learningLag', ''], {
    wrong: (ms) => alerts.pass(ms, { learningLagMs: 90 * secondMs }),
    fine: () => alerts.pass(30 * secondMs, { learningLagMs: 20 * secondMs }),
    forMs: minuteMs,
  });
});

test('answers are worse than the day before, by more than chance', async () => {
  const alerts = await startAlerts();
  const { clock } = alerts.world;
  await alerts.judge(400, { quality: 0.8 });
  await clock.advanceBy(3 * hourMs);
  await alerts.judge(100, { quality: 0.74 });
  await alerts.pass(15 * minuteMs);
  expect(alerts.said()).toEqual([]);
  await alerts.judge(300, { quality: 0.5 });
  await alerts.pass(15 * secondMs);
  await ringsAndStops(alerts, ['qualityDrop', ''], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.judge(4_000, { quality: 0.8 });
      await alerts.pass(30 * secondMs);
    },
    forMs: 10 * minuteMs,
  });
});

test('nearly everything goes to one model, which was otherwise', async () => {
  const alerts = await startAlerts();
  const { clock } = alerts.world;
  await alerts.decide(150, { model: 'alpha' });
  await alerts.decide(150, { model: 'charlie', provider: 'zenith' });
  await clock.advanceBy(3 * hourMs);
  await alerts.decide(300, { model: 'alpha' });
  await alerts.pass(15 * secondMs);
  await ringsAndStops(alerts, ['collapse', 'alpha'], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.decide(100, { model: 'charlie', provider: 'zenith' });
      await alerts.pass(30 * secondMs);
    },
    forMs: 10 * minuteMs,
  });
});

test('one model that always had nearly everything is no news', async () => {
  const alerts = await startAlerts();
  await alerts.decide(300, { model: 'alpha' });
  await alerts.world.clock.advanceBy(3 * hourMs);
  await alerts.decide(300, { model: 'alpha' });
  await alerts.pass(20 * minuteMs);
  expect(alerts.said()).toEqual([]);
});

test('only the exploration floor still tries other models', async () => {
  const alerts = await startAlerts();
  const shares = (alpha: number, bravo: number) => {
    const [first, second] = decided('any').candidates;
    return {
      explorationFloor: 0.02,
      candidates: [
        { ...first!, propensity: alpha },
        { ...second!, propensity: bravo },
      ],
    };
  };
  await alerts.decide(300, shares(0.99, 0.01));
  await alerts.pass(15 * secondMs);
  await ringsAndStops(alerts, ['propensityFloor', ''], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.decide(100, shares(0.9, 0.1));
      await alerts.pass(30 * secondMs);
    },
    forMs: 10 * minuteMs,
  });
});

test('a service puts records aside; a new process counts from nothing', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs, service({ deadLetters: 6 }));
  await alerts.pass(minuteMs, { process: 'engine-2', ...service({ deadLetters: 3 }) });
  expect(alerts.said()).toEqual([]);
  await ringsAndStops(alerts, ['deadLetters', 'route-collapse'], {
    wrong: (ms) => alerts.pass(ms, { process: 'engine-2', ...service({ deadLetters: 9 }) }),
    fine: () => alerts.pass(15 * minuteMs, { process: 'engine-2', ...service({ deadLetters: 9 }) }),
    forMs: 0,
  });
});

test('a service is behind its topics', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs, service({ lagMs: 9_000 }));
  await ringsAndStops(alerts, ['lag', 'route-collapse'], {
    wrong: (ms) => alerts.pass(ms, service({ lagMs: 20_000 })),
    fine: () => alerts.pass(30 * secondMs, service({ lagMs: 0 })),
    forMs: minuteMs,
  });
});

test('a service of which nothing is heard is behind, unless its process has said good-bye', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs, { process: 'a', ...service({}) });
  await alerts.pass(minuteMs, { process: 'b', ...service({ service: 'budgets' }) });
  await alerts.pass(15 * secondMs, { process: 'b', services: [] });
  await alerts.pass(3 * minuteMs, { process: 'c', services: [] });
  expect(alerts.said()).toEqual(['lag route-collapse RAISED']);
  expect(alerts.alerts()[0]!.summary).toContain('nothing was heard');
});

test('decisions are degraded', async () => {
  const alerts = await startAlerts();
  await alerts.decide(90);
  await alerts.decide(10, { degradedTo: 'STATIC_STRATEGIES' });
  await alerts.pass(15 * secondMs);
  await ringsAndStops(alerts, ['degraded', ''], {
    wrong: (ms) => alerts.pass(ms),
    async fine() {
      await alerts.decide(900);
      await alerts.pass(30 * secondMs);
    },
    forMs: minuteMs,
  });
});

test('newer weights are kept back for long', async () => {
  const alerts = await startAlerts();
  await ringsAndStops(alerts, ['weightsHeld', ''], {
    wrong: (ms) => alerts.pass(ms, { weightsHeld: true }),
    fine: () => alerts.pass(30 * secondMs, { weightsHeld: false }),
    forMs: 30 * minuteMs,
  });
});

test('the disk is nearly full', async () => {
  const alerts = await startAlerts();
  const disk = (freeBytes: number) => ({ disk: { freeBytes, usedBytes: 1e9 } });
  await alerts.pass(minuteMs, disk(2e9));
  await ringsAndStops(alerts, ['disk', ''], {
    wrong: (ms) => alerts.pass(ms, disk(0.5e9)),
    async fine() {
      await alerts.pass(minuteMs, disk(1.2e9));
      expect(alerts.said()).toHaveLength(1);
      await alerts.pass(minuteMs, disk(2e9));
    },
    forMs: 0,
  });
});

test('each rule that there is was made to ring above', () => {
  expect([...rung].sort()).toEqual([...ruleNames].sort());
});
