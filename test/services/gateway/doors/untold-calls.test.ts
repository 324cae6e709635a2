import { routeRequest } from '../../../../lib/client/build-records';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { abandonUntold, createUntoldCalls, type UntoldCall } from '../../../../services/gateway/doors/untold-calls';

const attempt = { model: 'm', status: 'SUCCESS', occurredAtMs: 1 } as const;
const call = (requestId: string, content = 'hi', attempts: UntoldCall['attempts'] = [attempt]): UntoldCall => ({
  request: routeRequest({ requestId, requestedAtMs: 1, messages: [{ role: 'user', content }] }),
  ...{ attempts, isAsked: false, endedMs: 0, decision: null },
});

test('as much is held as there is room for, by number and by bytes; every attempt beyond is counted', async () => {
  const metrics = createMetrics();
  const untold = createUntoldCalls(metrics, { maxCalls: 3, maxBytes: 10_000 });
  const lost = (reason: string) => metrics.value('quantum_router_call_reports_lost_total', { reason });
  let heard = 0;
  const unwatch = untold.watch(() => heard++);
  const large = call('large', 'x'.repeat(4_000));
  untold.hold(large);
  untold.hold(call('larger', 'x'.repeat(400), [attempt, attempt]));
  expect([untold.size, heard, await lost('too-many')]).toEqual([1, 1, 2]);
  untold.release(large, null);
  for (const id of ['a', 'b', 'c', 'd']) untold.hold(call(id));
  expect([untold.size, heard, await lost('too-many')]).toEqual([3, 4, 3]);
  expect([...untold.values()].map(({ request }) => request.requestId)).toEqual(['a', 'b', 'c']);
  unwatch();
  abandonUntold(untold, createLog({ level: 'silent' }));
  expect([untold.size, heard, await lost('stopped')]).toEqual([0, 4, 3]);
});

test('what comes of a call in two parts is held as one: with the attempts of both, and its bytes once', async () => {
  const metrics = createMetrics();
  const untold = createUntoldCalls(metrics, { maxCalls: 2, maxBytes: 10_000 });
  const lost = (reason: string) => metrics.value('quantum_router_call_reports_lost_total', { reason });
  const failed = { ...attempt, model: 'n' };
  for (let times = 0; times < 10; times++) {
    untold.hold(call('a', 'x'.repeat(2_000), [failed]));
    untold.hold(call('a', 'x'.repeat(2_000)));
    const [held, ...others] = untold.values();
    expect([held!.attempts, others]).toEqual([[failed, attempt], []]);
    untold.release(held!, times === 0 ? 'no-decision' : null);
  }
  expect([untold.size, await lost('no-decision'), await lost('too-many')]).toEqual([0, 2, 0]);
});
