import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { createLog } from '../../../lib/telemetry/log';
import { createSkippedTeller } from '../../../services/dqn-trainer/skipped-teller';

test('what is passed over in portion after portion is said at once, and then once in a while with how many it were', async () => {
  const clock = createVirtualClock();
  const lines: { msg: string; events: number; offset?: number }[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  const skipped = createSkippedTeller({ clock, log });
  for (let portion = 0; portion < 1_000; portion++) {
    skipped.tell('of another encoder', 32);
    await clock.advanceBy(15);
  }
  skipped.tell('of no sense', 1, { offset: 7 });
  expect(lines).toMatchObject([
    { msg: 'of another encoder', events: 32 },
    { msg: 'of another encoder', events: 667 * 32 },
    { msg: 'of no sense', events: 1, offset: 7 },
  ]);
});
