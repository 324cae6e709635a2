/** The pace of a run: kept where the engine keeps up, given up where it does not, and every request decided all the same. */
import { playWorkload } from '../../../lab/runs/play-workload';
import { workloadConfig } from '../../../lab/runs/workload-config';
import { simulatedWorld } from '../../../lab/workloads/simulated-world';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import type { RouterClient } from '../../../lib/client/router-client';
import { sleep } from '../../../lib/ports/clock';
import type { RouteDecided, RouteRequested } from '../../../lib/topics/generated/messages';
import { decisionOf } from '../../services/gateway/start-gateway';

const rows = 400;
const ratePerSecond = 100;

/** An engine that handles one request after the other, each for so long. */
async function play(msPerRequest: number, options: { stopAfter?: number } = {}) {
  const clock = createVirtualClock();
  const workload = simulatedWorld({ world: 1, rows, seed: 1 });
  const model = workload.models[0]!.name;
  let free = clock.monotonicMs();
  let done = 0;
  const client = {
    async route(request: RouteRequested): Promise<RouteDecided> {
      free = Math.max(free, clock.monotonicMs()) + msPerRequest;
      await sleep(clock, free - clock.monotonicMs());
      return { ...decisionOf(request), model };
    },
    report: async () => {},
  } as unknown as RouterClient;
  const paces: boolean[] = [];
  const playing = playWorkload({
    workload,
    client,
    clock,
    config: workloadConfig(workload),
    applyConfig: async () => {},
    ratePerSecond,
    maxInFlight: 50,
    onPace: (isBehind) => paces.push(isBehind),
    onDecided: (_index, _decision, count) => {
      done = count;
    },
    stopped: () => done >= (options.stopAfter ?? Number.POSITIVE_INFINITY),
  });
  let ended = false;
  const result = playing.finally(() => {
    ended = true;
  });
  while (!ended) await clock.advanceBy(50);
  return { played: await result, paces };
}

test('an engine that keeps up gets the requests when they are due', async () => {
  const { played, paces } = await play(5);
  expect(played).toMatchObject({ sent: rows, undecided: 0, late: 0 });
  expect(paces).toEqual([]);
  expect(played.elapsedMs).toBeLessThan((1.05 * (1_000 * rows)) / ratePerSecond);
});

test('one that does not gets them more slowly: all are decided, soon after they were sent, and the late ones are counted', async () => {
  const { played, paces } = await play(40);
  expect(played).toMatchObject({ sent: rows, undecided: 0 });
  expect(played.chosen).not.toContain(null);
  expect(played.late).toBeGreaterThan(rows / 2);
  expect(paces[0]).toBe(true);
  // The fiftieth in the queue waits for forty-nine others; nothing waits for a queue without a bound.
  expect(Math.max(...played.latencyMs)).toBeLessThanOrEqual(50 * 40 + 50);
});

test('stopped, it tells of what was sent', async () => {
  const { played } = await play(5, { stopAfter: 100 });
  expect(played.sent).toBeGreaterThanOrEqual(100);
  expect(played.sent).toBeLessThan(rows);
  expect(played.latencyMs).toHaveLength(played.sent);
});
