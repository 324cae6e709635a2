/** What becomes of an alert: for how long it must be wrong, silences, restarts, rules that change, reports of nobody's. */
import type { EngineVitals } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { type AlertWorld, hourMs, minuteMs, secondMs, startAlerts } from './alert-world';

const disk = (freeBytes: number): Partial<EngineVitals> => ({ disk: { freeBytes, usedBytes: 1e9 } });
const full = disk(1e8);
const roomy = disk(1e10);
const ringing = (alerts: AlertWorld): Promise<number> =>
  alerts.world.metrics.value('quantum_router_alerts_ringing', { rule: 'disk' });

test('what is wrong for a moment does not ring, and what was fine in between begins anew', async () => {
  const alerts = await startAlerts();
  await alerts.apply({ rules: { disk: { forMs: minuteMs } } });
  await alerts.pass(45 * secondMs, full);
  await alerts.pass(15 * secondMs, roomy);
  await alerts.pass(minuteMs, full);
  expect(alerts.said()).toEqual([]);
  await alerts.pass(15 * secondMs, full);
  expect(alerts.said()).toEqual(['disk RAISED']);
  expect(alerts.alerts()[0]).toMatchObject({ value: 1e8, severity: 'critical', notify: true, silencedUntilMs: null });
});

test('after a restart it knows what it has said, and since when something is wrong', async () => {
  const alerts = await startAlerts();
  await alerts.apply({ rules: { disk: { forMs: minuteMs } } });
  /** What is said again after a crash, before anything was committed, is the same. */
  const said = (): string[] => [...new Set(alerts.alerts().map((alert) => JSON.stringify(alert)))];
  await alerts.pass(45 * secondMs, full);
  await alerts.world.crash('alerts');
  await alerts.pass(30 * secondMs, full);
  expect(alerts.said()).toEqual(['disk RAISED']);
  await alerts.world.crash('alerts');
  await alerts.pass(2 * minuteMs, full);
  expect(said()).toHaveLength(1);
  await alerts.world.crash('alerts');
  await alerts.pass(30 * secondMs, roomy);
  expect(said()).toHaveLength(2);
  expect(alerts.said().at(-1)).toBe('disk RESOLVED');
});

test('a silenced alert rings and nobody is told, until the silence ends', async () => {
  const alerts = await startAlerts();
  const untilMs = alerts.world.clock.nowMs() + 10 * minuteMs;
  await alerts.silence({ rule: 'disk', untilMs });
  await alerts.pass(2 * minuteMs, full);
  expect(alerts.alerts()).toMatchObject([{ state: 'RAISED', silencedUntilMs: untilMs, notify: false }]);
  expect(await ringing(alerts)).toBe(1);
  await alerts.pass(10 * minuteMs, full);
  expect(alerts.alerts().at(-1)).toMatchObject({ state: 'RAISED', silencedUntilMs: null, notify: true });
  await alerts.pass(minuteMs, roomy);
  expect(alerts.alerts().at(-1)).toMatchObject({ state: 'RESOLVED', notify: true });
  expect(await ringing(alerts)).toBe(0);
});

test('what stops in a silence that began before it is told to nobody, and what rang before to those who know', async () => {
  const alerts = await startAlerts();
  await alerts.silence({ rule: 'disk' });
  await alerts.pass(minuteMs, full);
  await alerts.pass(minuteMs, roomy);
  expect(alerts.alerts().map(({ notify }) => notify)).toEqual([false, false]);
  await alerts.pass(minuteMs, { weightsHeld: true, ...roomy });
  await alerts.apply({ rules: { weightsHeld: { forMs: 0 } } });
  await alerts.pass(minuteMs, { weightsHeld: true, ...roomy });
  await alerts.silence({ rule: 'weightsHeld' });
  await alerts.pass(minuteMs, { weightsHeld: true, ...roomy });
  await alerts.pass(minuteMs, roomy);
  const told = alerts.alerts().filter(({ rule }) => rule === 'weightsHeld');
  expect(told.map(({ state, notify }) => [state, notify])).toEqual([
    ['RAISED', true],
    ['RAISED', false],
    ['RESOLVED', true],
  ]);
});

test('a silence of another rule or subject changes nothing', async () => {
  const alerts = await startAlerts();
  await alerts.silence({ rule: 'lag' });
  await alerts.silence({ rule: 'disk', subject: 'another' });
  await alerts.pass(minuteMs, full);
  expect(alerts.alerts()).toMatchObject([{ silencedUntilMs: null, notify: true }]);
});

test('a rule that is switched off stops ringing', async () => {
  const alerts = await startAlerts();
  await alerts.pass(minuteMs, full);
  await alerts.apply({ rules: { disk: { enabled: false } } });
  await alerts.pass(minuteMs, full);
  expect(alerts.said()).toEqual(['disk RAISED', 'disk RESOLVED']);
  expect(alerts.alerts()[1]!.summary).toBe('the rule is switched off');
});

test('an alert of which there are no figures any more stops after a while', async () => {
  const alerts = await startAlerts();
  await alerts.decide(100, { degradedTo: 'STATIC_STRATEGIES' });
  await alerts.pass(10 * minuteMs);
  expect(alerts.said()).toEqual(['degraded RAISED']);
  await alerts.pass(15 * minuteMs);
  expect(alerts.said()).toEqual(['degraded RAISED', 'degraded RESOLVED']);
});

test('of alerts that have stopped the newest are kept', async () => {
  const alerts = await startAlerts();
  for (let times = 0; times < 25; times++) {
    await alerts.pass(15 * secondMs, full);
    await alerts.pass(15 * secondMs, roomy);
  }
  const deleted = alerts.world.broker.records(topics.alerts.name).filter(({ value }) => value === null);
  expect(deleted.map(({ key }) => key)).toEqual(
    [...new Set(alerts.alerts().map(({ alertId }) => alertId))].slice(0, 5),
  );
});

test('reports that cannot be true ring nothing and end nothing', async () => {
  const alerts = await startAlerts();
  const { clock, fatal } = alerts.world;
  const nowMs = clock.nowMs();
  const strange: Partial<EngineVitals>[] = [
    { atMs: nowMs + hourMs, ...full },
    { atMs: nowMs - hourMs, ...full },
    { atMs: 0 },
    { process: '', ...full },
    { process: 'x'.repeat(10_000), ...full, weightsHeld: true },
    { learningLagMs: Number.NaN },
    { learningLagMs: Number.POSITIVE_INFINITY },
    { disk: { freeBytes: Number.NaN, usedBytes: Number.NaN } },
    { services: [{ service: '__proto__', lagMs: Number.NaN, deadLetters: -5 }] },
    { services: Array.from({ length: 5_000 }, (_, i) => ({ service: `s${i}`, lagMs: 0, deadLetters: 2 ** 50 })) },
  ];
  const base = { process: 'engine', atMs: nowMs, services: [], learningLagMs: 0, weightsHeld: false, disk: null };
  await alerts.world.send(
    topics.engineVitals,
    strange.map((vitals) => ({ ...base, ...vitals })),
  );
  expect(fatal).toEqual([]);
  expect(alerts.world.deadLetters(topics.engineVitals as never)).toEqual([]);
  expect(alerts.said().filter((line) => !line.startsWith('deadLetters'))).toEqual([]);
  // There is room for so many.
  expect(alerts.said()).toHaveLength(100);
  await alerts.pass(minuteMs, full);
  expect(alerts.said()).toContain('disk RAISED');
});
