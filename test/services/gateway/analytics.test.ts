/** GET and POST /v1/analytics, and what other policies would have done. */
import { addToWindow, cellKey, emptyWindow, keyOfWindow, noCell, windowKeys } from '../../../lib/analytics/window';
import { topics } from '../../../lib/topics/topics';
import { learningEvent } from '../dqn-trainer/records';
import { startGateway } from './start-gateway';

async function withWindows() {
  const started = await startGateway();
  const { broker, clock } = started;
  const nowMs = clock.nowMs();
  const producer = broker.producer('test');
  const records = windowKeys(nowMs).flatMap((key) => {
    const [spanMs = 0, startMs = 0] = key.split('\n').map(Number);
    // Two partitions have seen something of the same window.
    return [0, 1].map((partition) => {
      const row = addToWindow(
        emptyWindow(spanMs, startMs),
        [
          {
            of: [cellKey('all', ''), cellKey('model', partition === 0 ? 'large' : '=cmd,"x"')],
            figures: { ...noCell, decisions: 2, calls: 2, costUsd: 0.5, timed: 1, latencyMs: 100 },
            latency: { model: 'large', ms: 100 },
          },
        ],
        nowMs,
      );
      const { name, codec } = topics.analyticsWindows;
      return { topic: name, partition, key, value: codec.encode(row) };
    });
  });
  await producer.send(records);
  await clock.advanceBy(1_000);
  return started;
}

test('rows of all partitions are added; JSON and CSV say the same', async () => {
  const started = await withWindows();
  const query = 'metrics=decisions,costUsd&by=model&step=1h';
  const { status, body } = await started.call('GET', `/v1/analytics?${query}`);
  expect(status).toBe(200);
  const startMs = Math.floor(started.clock.nowMs() / 3_600_000) * 3_600_000;
  expect(body.rows).toEqual([
    { startMs, of: { model: '=cmd,"x"' }, values: { decisions: 2, costUsd: 0.5 } },
    { startMs, of: { model: 'large' }, values: { decisions: 2, costUsd: 0.5 } },
  ]);
  const csv = await started.call('GET', `/v1/analytics?${query}&format=csv`);
  expect(csv.headers.get('content-type')).toMatch(/^text\/csv/);
  const at = new Date(startMs).toISOString();
  // No spreadsheet takes a name for a formula.
  expect(csv.body).toBe(`start,model,decisions,costUsd\r\n${at},"'=cmd,""x""",2,0.5\r\n${at},large,2,0.5\r\n`);
  const posted = await started.call('POST', '/v1/analytics', {
    timerange: { from: new Date(startMs).toISOString() },
    metrics: ['decisions', 'latencyMsP95'],
  });
  expect(posted.body.rows).toEqual([
    { startMs, of: {}, values: { decisions: 4, latencyMsP95: expect.closeTo(100, -1) } },
  ]);
});

test('an answer that is made in pieces is whole, as JSON and as CSV', async () => {
  const started = await startGateway();
  const { broker, clock } = started;
  const minuteMs = 60_000;
  const lastMs = Math.floor(clock.nowMs() / minuteMs) * minuteMs;
  const starts = Array.from({ length: 150 }, (_, i) => lastMs - (149 - i) * minuteMs);
  const { name, codec } = topics.analyticsWindows;
  const added = starts.map((_, i) => ({
    of: [cellKey('all', ''), cellKey('tenant', `team ${i}`)],
    figures: { ...noCell, decisions: i },
  }));
  const rows = starts.map((startMs, i) => addToWindow(emptyWindow(minuteMs, startMs), [added[i]!], clock.nowMs()));
  await broker
    .producer('test')
    .send(rows.map((row) => ({ topic: name, key: keyOfWindow(row), value: codec.encode(row) })));
  await clock.advanceBy(1_000);
  const query = `from=${starts[0]}&step=1m&by=tenant&metrics=decisions,decisions`;
  const { body } = await started.call('GET', `/v1/analytics?${query}`);
  expect(body).toMatchObject({ fromMs: starts[0], stepMs: minuteMs, breakdown: 'tenant' });
  expect(body.rows).toEqual(
    starts.map((startMs, i) => ({ startMs, of: { tenant: `team ${i}` }, values: { decisions: i } })),
  );
  const csv = await started.call('GET', `/v1/analytics?${query}&format=csv`);
  const lines = starts.map((startMs, i) => `${new Date(startMs).toISOString()},team ${i},${i}\r\n`);
  expect(csv.body).toBe(`start,tenant,decisions\r\n${lines.join('')}`);
});

test('what cannot be answered is refused with the field at fault', async () => {
  const started = await startGateway();
  for (const [query, field] of [
    ['step=5x', 'step'],
    ['step=0m', 'step'],
    ['from=0&step=1m', 'step'],
    ['metrics=cost', 'metrics.0'],
    ['metrics=decisions&by=model,task', 'metrics.0'],
    ['metrics=decisionMsP95&by=model', 'metrics.0'],
    ['by=colour', 'by'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['to=2026-04-31T12:00Z', 'to'],
    ['to=253402300800000', 'to'],
    ['from=5&to=4', 'from'],
    ['form=csv', 'form'],
    ['by=model&by=task', 'by'],
  ]) {
    const { status, body } = await started.call('GET', `/v1/analytics?${query}`);
    expect([query, status, body.error.field]).toEqual([query, 400, field]);
  }
  const written = await started.call('POST', '/v1/analytics', { timerange: { from: '2026-02-30' } });
  expect(written.body.error.message).toBe('timerange.from: is no date or time that there is');
  const unreadable = await started.call('GET', '/v1/analytics?to=1e308');
  expect(unreadable.body.error.message).toMatch(/^to: must be milliseconds since the epoch, or a time in ISO 8601/);
  for (const value of ['', '0x10', '1e400', '-1']) {
    const { body } = await started.call('GET', `/v1/analytics/counterfactuals?routerUsdPerDecision=${value}`);
    expect([value, body.error?.field]).toEqual([value, 'routerUsdPerDecision']);
  }
  const { body } = await started.call('POST', '/v1/analytics', { breakdwon: 'model' });
  expect(body.error.message).toMatch(/did you mean "breakdown"/);
  expect((await started.call('GET', '/v1/analytics')).body.rows).toEqual([]);
});

test('other policies are judged with intervals, and refused where the log is silent', async () => {
  const started = await startGateway();
  const { broker, clock } = started;
  const producer = broker.producer('test');
  const send = (count: number, propensities: number[]) =>
    producer.send(
      Array.from({ length: count }, (_, i) => {
        const event = learningEvent(i, { openedAtMs: clock.nowMs() });
        return {
          topic: topics.learningEvents.name,
          key: event.decisionId,
          value: topics.learningEvents.codec.encode({ ...event, propensities }),
        };
      }),
    );
  await send(400, [0.5, 0.5]);
  await producer.send([{ topic: topics.learningEvents.name, key: 'x', value: Buffer.from('none of ours') }]);
  const { status, body } = await started.call('GET', '/v1/analytics/counterfactuals');
  expect(status).toBe(200);
  expect(body).toMatchObject({ decisions: 400, judged: 400, leftOut: 0 });
  const { quality, utility, utilityGained, savedUsd } = body.policies.find(
    ({ policy }: { policy: string }) => policy === 'alpha',
  );
  // Each of the two is good for one half of the requests: .9 there, .3 elsewhere.
  expect(quality.low).toBeLessThan(0.625);
  expect(quality.high).toBeGreaterThan(0.625);
  expect(savedUsd.low).toBeLessThanOrEqual(savedUsd.high);
  // Worth is quality alone to who wants nothing else, and drawing evenly is worth what either is.
  expect(utility).toMatchObject({ low: expect.any(Number), high: expect.any(Number) });
  expect(utilityGained.low).toBeLessThan(0);
  expect(utilityGained.high).toBeGreaterThan(0);
  const charged = await started.call('GET', '/v1/analytics/counterfactuals?routerUsdPerDecision=0.25');
  const net = charged.body.policies.find(({ policy }: { policy: string }) => policy === 'alpha').savedUsd;
  expect(net.value).toBeCloseTo(savedUsd.value - 0.25);
  const refused = await started.call('GET', '/v1/analytics/counterfactuals?routerUsdPerDecision=-1');
  expect([refused.status, refused.body.error.field]).toEqual([400, 'routerUsdPerDecision']);
  expect((await started.call('GET', '/v1/analytics/counterfactuals?to=5')).body.policies).toEqual([]);
  const unclear = await started.call('GET', '/v1/analytics/counterfactuals?previous=perhaps');
  expect([unclear.status, unclear.body.error.field]).toEqual([400, 'previous']);
  // Before there were any weights, none were in force before them.
  const previous = await started.call('GET', '/v1/analytics/counterfactuals?previous=true');
  expect(previous.body.policies.map(({ kind }: { kind: string }) => kind)).not.toContain('previous-policy');
});
