import fc from 'fast-check';
import type { Breaker } from '../../../lib/topics/generated/messages';
import { afterCall, afterWait, type BreakerSettings, closedBreaker } from '../../../services/model-profiler/breaker';

const settings: BreakerSettings = {
  openAfterFailures: 3,
  openMs: 100,
  maxOpenMs: 350,
  closeAfterSuccesses: 2,
  rampMs: 1_000,
};

function fail(breaker: Breaker, nowMs: number, times = 1): Breaker {
  let next = breaker;
  for (let i = 0; i < times; i++) next = afterCall(next, 'failure', nowMs, settings, nowMs);
  return next;
}
const succeed = (breaker: Breaker, nowMs: number): Breaker => afterCall(breaker, 'success', nowMs, settings, nowMs);

describe('breaker', () => {
  test('opens after the set failures in a row and says when to probe', () => {
    expect(fail(closedBreaker(0), 10, 2).health).toBe('CLOSED');
    expect(fail(closedBreaker(0), 10, 3)).toEqual({
      health: 'OPEN',
      failures: 3,
      changedAtMs: 10,
      openings: 1,
      probeAtMs: 110,
      probesSucceeded: 0,
      changes: [{ health: 'OPEN', atMs: 10 }],
    });
  });

  test('remembers its newest changes, those that nobody was there to see included', () => {
    let breaker = closedBreaker(0);
    for (let outage = 0; outage < 5; outage++) {
      const atMs = 10_000 * (outage + 1);
      breaker = fail(breaker, atMs, 3);
      // The wait is over at 100 ms, and the first probe is seen later.
      breaker = succeed(succeed(breaker, atMs + 250), atMs + 260);
    }
    expect(breaker.changes).toHaveLength(12);
    expect(breaker.changes.slice(-3)).toEqual([
      { health: 'OPEN', atMs: 50_000 },
      { health: 'HALF_OPEN', atMs: 50_100 },
      { health: 'CLOSED', atMs: 50_260 },
    ]);
    // What changes no state is no change.
    expect(fail(breaker, 90_000, 1).changes).toBe(breaker.changes);
  });

  test('a success halves the failures before it, and in the end forgets them', () => {
    const breaker = succeed(fail(closedBreaker(0), 1, 2), 2);
    expect(breaker.failures).toBe(1);
    let healthy = breaker;
    for (let i = 0; i < 10; i++) healthy = succeed(healthy, 3);
    expect(healthy.failures).toBe(0);
    expect(succeed(healthy, 4)).toBe(healthy);
  });

  test('half-open after the wait, closed after enough successful probes', () => {
    const open = fail(closedBreaker(0), 0, 3);
    expect(afterWait(open, 99)).toBe(open);
    const half = afterWait(open, 100);
    expect(half).toMatchObject({ health: 'HALF_OPEN', changedAtMs: 100, probeAtMs: null });
    const once = succeed(half, 110);
    expect(once).toMatchObject({ health: 'HALF_OPEN', probesSucceeded: 1 });
    const back = succeed(once, 120);
    expect(back).toEqual({ ...closedBreaker(120), openings: 1, changes: expect.anything() });
    // It was away for 100 ms.
    expect(succeed(back, 319)).toMatchObject({ openings: 1 });
    expect(succeed(back, 320)).toMatchObject({ openings: 0 });
  });

  test('a failed probe opens it again for twice as long, up to the limit', () => {
    let breaker = fail(closedBreaker(0), 0, 3);
    const waits: number[] = [];
    for (let round = 0; round < 4; round++) {
      waits.push(breaker.probeAtMs! - breaker.changedAtMs);
      breaker = fail(afterWait(breaker, breaker.probeAtMs!), breaker.probeAtMs!);
      expect(breaker.health).toBe('OPEN');
    }
    expect(waits).toEqual([100, 200, 350, 350]);
  });

  test('a failure from before the probing began is not held against it', () => {
    const half = afterWait(fail(closedBreaker(0), 0, 3), 100);
    expect(afterCall(half, 'failure', 99, settings, 105)).toBe(half);
    expect(afterCall(half, 'failure', 101, settings, 105).health).toBe('OPEN');
  });

  test('a probe that was sent before anybody had noticed the end of the wait is a probe', () => {
    const open = fail(closedBreaker(0), 0, 3);
    expect(afterWait(open, 170)).toEqual(afterWait(open, 100));
    expect(afterCall(open, 'failure', 130, settings, 170)).toMatchObject({ health: 'OPEN', openings: 2 });
    expect(afterCall(open, 'failure', 99, settings, 170)).toMatchObject({ health: 'HALF_OPEN', openings: 1 });
  });

  test('without leave to open it only counts', () => {
    let breaker = closedBreaker(0);
    for (let i = 0; i < 10; i++) breaker = afterCall(breaker, 'failure', 1, settings, 1, false);
    expect(breaker).toMatchObject({ health: 'CLOSED', failures: 10 });
  });

  test('laws: allowed transitions only, a wait always ends, never more calls needed than set', () => {
    const step = fc.record({
      result: fc.constantFrom('success', 'failure', 'time') as fc.Arbitrary<'success' | 'failure' | 'time'>,
      passMs: fc.nat(200),
      lateMs: fc.nat(300),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let nowMs = 0;
        let breaker = closedBreaker(0);
        for (const { result, passMs, lateMs } of steps) {
          nowMs += passMs;
          const before = result === 'time' ? breaker : afterWait(breaker, nowMs);
          const after =
            result === 'time' ? afterWait(breaker, nowMs) : afterCall(breaker, result, nowMs - lateMs, settings, nowMs);
          const move = `${before.health}>${after.health}`;
          expect([
            'CLOSED>CLOSED',
            'CLOSED>OPEN',
            'OPEN>OPEN',
            'OPEN>HALF_OPEN',
            'HALF_OPEN>HALF_OPEN',
            'HALF_OPEN>OPEN',
            'HALF_OPEN>CLOSED',
          ]).toContain(move);
          if (move === 'CLOSED>OPEN' || move === 'HALF_OPEN>OPEN') expect(result).toBe('failure');
          if (move === 'HALF_OPEN>CLOSED') expect(result).toBe('success');
          expect(after.probeAtMs !== null).toBe(after.health === 'OPEN');
          if (after.health === 'OPEN') {
            const waitMs = after.probeAtMs! - after.changedAtMs;
            expect(waitMs).toBe(Math.min(350, 100 * 2 ** (after.openings - 1)));
            expect(afterWait(after, after.probeAtMs!).health).toBe('HALF_OPEN');
          }
          if (after.health === 'CLOSED') expect(after.failures).toBeLessThan(settings.openAfterFailures);
          if (after.health === 'HALF_OPEN') expect(after.probesSucceeded).toBeLessThan(settings.closeAfterSuccesses);
          breaker = after;
        }
        // However it got where it is: with time and successes alone it closes.
        nowMs = Math.max(nowMs, breaker.probeAtMs ?? nowMs);
        for (let i = 0; i < settings.closeAfterSuccesses; i++)
          breaker = afterCall(breaker, 'success', nowMs, settings, nowMs);
        expect(breaker.health).toBe('CLOSED');
      }),
    );
  });
});
