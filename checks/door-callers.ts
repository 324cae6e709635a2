/**
 * Callers of the front door and the upstream behind it, in a process of its own, forked by `checks/chaos/outside.ts`: the clients of
 * a scenario work off what they have kept while the broker was away, and would be slow in the same process, not the door.
 */
import { systemClock } from '../lib/adapters/system';
import { seededRandom } from '../lib/random/seeded';
import { type DoorCalls, pairWaitsMs, startDoorCalls } from './chaos/door-calls';
import type { OutsideAnswer, OutsideOrder } from './chaos/outside';
import { startShakyUpstream } from './chaos/shaky-upstream';

let gateways: readonly (string | null)[] = [];

function tell(answer: OutsideAnswer): void {
  process.send!(answer);
}

async function main(): Promise<void> {
  const [seed, scenario, ratePerSecond] = process.argv.slice(2);
  const upstream = await startShakyUpstream(seededRandom(Number(seed), 'chaos', scenario!, 'upstream'));
  const calls: DoorCalls = startDoorCalls({
    clock: systemClock(),
    gateways: [0, 1].map((index) => () => gateways[index] ?? null),
    ...{ ratePerSecond: Number(ratePerSecond), waitsMs: pairWaitsMs },
  });
  process.on('message', (order: OutsideOrder) => {
    if (order.kind === 'gateways') gateways = order.urls;
    else if (order.kind === 'start') calls.start();
    else if (order.kind === 'disturb') calls.disturb();
    else {
      calls.pause();
      void calls.untilAnswered().then(() => {
        const { misbehaved } = upstream;
        tell({ kind: 'answered', made: calls.made, misbehaved });
      });
    }
  });
  tell({ kind: 'listens', url: upstream.url });
}

process.once('disconnect', () => process.exit(0));
main();
