import { topics } from '../../../lib/topics/topics';
import { createRewardFeedback } from '../../../services/reward-feedback/service';
import { createWorld, type World } from '../../lib/stream/toy';
import { headerOf, linkedSpanIds, recordSpans, remoteSpan } from '../../lib/telemetry/recorded-spans';
import { decided, opened, outcome } from './records';

const windowMs = 60_000;
let spans: ReturnType<typeof recordSpans>;
let world: World;
beforeAll(() => {
  spans = recordSpans();
});
beforeEach(async () => {
  spans.reset();
  world = createWorld();
  await world.start(createRewardFeedback({ windowMs, maxAwaited: 100, metrics: world.host.metrics }));
});
afterAll(() => spans.stop());

const request = remoteSpan(1);
const decision = remoteSpan(2);

/** Both in the trace of the request, the decision by another span. */
async function route(): Promise<void> {
  await world.put(topics.routeOpened, [opened('r1', { openedAtMs: world.clock.nowMs() })], request.headers);
  await world.clock.advanceBy(20);
  const traceparent = `00-${request.traceId}-${decision.spanId}-01`;
  await world.put(topics.routeDecided, [decided('r1')], { traceparent });
  await world.clock.advanceBy(20);
}

test('an outcome is in its own trace, which links to the decision and goes on to the learner', async () => {
  await route();
  await world.put(topics.routeOutcome, [outcome('r1')], remoteSpan(3).headers);
  await world.clock.advanceBy(20);
  const span = spans.one('reward-feedback route.outcome');
  expect(span.spanContext().traceId).toBe(remoteSpan(3).traceId);
  expect(linkedSpanIds(span)).toContain(decision.spanId);
  expect(world.raw(topics.learningEvents.name)[0]!.headers).toEqual({ traceparent: headerOf(span) });
  expect(world.raw(topics.modelObserved.name)[0]!.headers).toEqual({ traceparent: headerOf(span) });
});

test('an outcome that nobody traced is shown at its decision', async () => {
  await route();
  await world.put(topics.routeOutcome, [outcome('r1')]);
  await world.clock.advanceBy(20);
  expect(spans.one('reward-feedback route.outcome').parentSpanContext?.spanId).toBe(decision.spanId);
});

test('the end of the window is in the trace of the decision', async () => {
  await route();
  await world.clock.advanceBy(windowMs);
  const span = spans.one('reward-feedback due');
  expect(span.parentSpanContext?.spanId).toBe(decision.spanId);
  expect(world.raw(topics.learningEvents.name)[0]!.headers).toEqual({ traceparent: headerOf(span) });
});
