import { RequestPace } from '../../../../lib/adapters/kafka/request-pace';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';

/** The gap when records have come evenly for a second, and so many wait now. */
async function gapAt(ratePerSecond: number, records = 1): Promise<number> {
  const clock = createVirtualClock();
  const pace = new RequestPace(clock, 20);
  for (let i = 0; i < ratePerSecond; i++) {
    await clock.advanceBy(1_000 / ratePerSecond);
    pace.count(1);
  }
  return pace.gapMs(records);
}

describe('the gap between requests', () => {
  test('there is none for what comes alone', async () => {
    const pace = new RequestPace(createVirtualClock(), 20);
    expect(pace.gapMs(0)).toBe(0);
    pace.count(1);
    expect(pace.gapMs(1)).toBe(0);
    expect(await gapAt(10)).toBe(0);
  });

  test('it grows with the rate, up to a limit', async () => {
    expect(await gapAt(100)).toBe(7);
    expect(await gapAt(200)).toBe(13);
    expect(await gapAt(400)).toBe(20);
    expect(await gapAt(1_000)).toBe(20);
  });

  test('it is over soon after the records', async () => {
    const clock = createVirtualClock();
    const pace = new RequestPace(clock, 20);
    pace.count(300);
    expect(pace.gapMs(1)).toBe(20);
    await clock.advanceBy(1_500);
    expect(pace.gapMs(1)).toBe(0);
  });

  test('what carries many records waits for no more', async () => {
    expect(await gapAt(1_000, 31)).toBe(20);
    expect(await gapAt(1_000, 32)).toBe(0);
  });
});
