/** What a gateway says of alerts, and silences that are made through it. */
import type { Alert } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { startGateway, testConfig } from './start-gateway';

type Started = Awaited<ReturnType<typeof startGateway>>;

function alertOf(alertId: string, change: Partial<Alert> = {}): Alert {
  return {
    ...{ alertId, rule: 'errorRate', subject: 'north', severity: 'critical', state: 'RAISED', summary: 'calls fail' },
    ...{ value: 0.5, threshold: 0.1, raisedAtMs: 10, resolvedAtMs: null, silencedUntilMs: null },
    ...{ notify: true, changedAtMs: 10, ...change },
  };
}

async function say({ broker, clock }: Started, ...alerts: Alert[]): Promise<void> {
  const producer = broker.producer('alerts');
  const { codec } = topics.alerts;
  await producer.send(
    alerts.map((alert) => ({ topic: topics.alerts.name, key: alert.alertId, value: codec.encode(alert) })),
  );
  // Views gather for a moment.
  await clock.advanceBy(100);
}

/** A silence is waited for until it has been read back, which takes time that nobody lets pass. */
async function post(started: Started, body: unknown) {
  const answer = started.call('POST', '/v1/alerts/silences', body);
  let isDone = false;
  void answer.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await started.clock.advanceBy(5);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return answer;
}

const audited = (started: Started) =>
  started.broker.records(topics.audit.name).map(({ value }) => topics.audit.codec.decode(value!));

test('what rings comes first, the critical ones before others; what has stopped is beside it', async () => {
  const started = await startGateway();
  await say(
    started,
    alertOf('a', { severity: 'warning', raisedAtMs: 30 }),
    alertOf('b', { raisedAtMs: 20 }),
    alertOf('c', { state: 'RESOLVED', resolvedAtMs: 40, changedAtMs: 40 }),
  );
  const { status, body } = await started.call('GET', '/v1/alerts');
  expect(status).toBe(200);
  expect(body.ringing.map(({ alertId }: Alert) => alertId)).toEqual(['b', 'a']);
  expect(body.resolved.map(({ alertId }: Alert) => alertId)).toEqual(['c']);
  expect(body.ringing[0]).not.toHaveProperty('notify');
  expect(body.silences).toEqual([]);
  expect(body.rules.errorRate).toMatchObject({ enabled: true, above: 0.1 });
});

test('viewers of the live stream are told of alerts', async () => {
  const started = await startGateway();
  await say(started, alertOf('a'));
  const leave = new AbortController();
  const { body } = await fetch(`${started.gateway.url}/v1/live?kinds=alert&last=5`, { signal: leave.signal });
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('event: caught-up')) break;
  }
  leave.abort();
  const [, json] = /event: alert\nid: \S+\ndata: (.+)\n/.exec(text) ?? [];
  expect(JSON.parse(json!)).toMatchObject({ alertId: 'a', rule: 'errorRate', state: 'RAISED', atMs: 10 });
});

test('a silence has an author, an end and a reason; it can be ended, and both are in the audit trail', async () => {
  const started = await startGateway();
  const made = await post(started, {
    action: 'start',
    rule: 'errorRate',
    subject: 'north',
    reason: 'they know',
    author: 'me',
    durationMs: 3_600_000,
  });
  expect(made.status).toBe(200);
  const [silence] = made.body.silences;
  expect(silence).toMatchObject({ rule: 'errorRate', subject: 'north', reason: 'they know', author: 'me' });
  expect(silence.untilMs - silence.createdAtMs).toBe(3_600_000);
  const ended = await post(started, { action: 'end', silenceId: silence.silenceId });
  expect(ended.body.silences).toEqual([]);
  expect(audited(started).map(({ action, target }) => [action, target])).toEqual([
    ['config.apply', 'version 1'],
    ['alerts.silence', silence.silenceId],
    ['alerts.unsilence', silence.silenceId],
  ]);
});

test.each([
  [{ action: 'start', reason: 'why', rule: 'noise' }, 400, 'rule'],
  [{ action: 'start' }, 400, 'reason'],
  [{ action: 'start', reason: 'why', durationMs: 1 }, 400, 'durationMs'],
  [{ action: 'start', reason: 'why', subject: 'x'.repeat(201) }, 400, 'subject'],
  [{ action: 'end', silenceId: 'nobody' }, 404, 'silenceId'],
])('%j is refused, and the field is named', async (body, status, field) => {
  const started = await startGateway();
  const answer = await post(started, body);
  expect(answer.status).toBe(status);
  expect(answer.body.error.field).toBe(field);
});

test('webhooks cannot be changed over HTTP: whoever reaches the port would choose whom the gateway calls', async () => {
  const started = await startGateway();
  const { version } = (await started.call('GET', '/v1/config')).body;
  const config = { ...testConfig, alerts: { webhooks: [{ name: 'mine', url: 'http://169.254.169.254/' }] } };
  const answer = await started.call('PUT', '/v1/config', { version, config });
  expect(answer.status).toBe(409);
  expect(answer.body.error).toMatchObject({ code: 'refused', field: 'alerts.webhooks' });
});
