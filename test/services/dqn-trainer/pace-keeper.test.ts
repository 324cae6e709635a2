import { fullPace } from '../../../lib/learning/fold/pace';
import type { LearningPace } from '../../../lib/topics/generated/messages';
import { createPaceKeeper, lookLagMs } from '../../../services/dqn-trainer/pace-keeper';

const batchEvents = 32;

interface Played {
  readonly lagMs: number;
  readonly pace: LearningPace;
  readonly changes: readonly LearningPace[];
}

/**
 * A fold that takes this long for an event at full pace, and events that come at a rate by time. A change of pace is in force where the
 * log ended when it was decided.
 */
function play(
  seconds: number,
  perSecond: (atMs: number) => number,
  eventMs: number,
  started = { lagEvents: 0 },
): Played {
  const keeper = createPaceKeeper();
  const log: { readonly atMs: number; readonly pace: LearningPace | null }[] = [];
  for (let i = 0; i < started.lagEvents; i++) log.push({ atMs: 0, pace: null });
  let owed = 0;
  let nowMs = 0;
  let position = 0;
  let pace = fullPace;
  const changes: LearningPace[] = [];
  const arrive = (untilMs: number): void => {
    for (; nowMs < untilMs; nowMs++) {
      owed += perSecond(nowMs) / 1_000;
      for (; owed >= 1; owed--) log.push({ atMs: nowMs, pace: null });
    }
  };
  while (nowMs < 1_000 * seconds) {
    const batch = log.slice(position, position + batchEvents);
    if (batch.length === 0) {
      arrive(nowMs + 20);
      continue;
    }
    let tookMs = 0;
    for (const event of batch) {
      pace = event.pace ?? pace;
      tookMs += event.pace ? 0 : eventMs * (0.02 + 0.98 * pace.rewards * (0.4 + 0.6 * pace.steps));
    }
    position += batch.length;
    arrive(nowMs + tookMs);
    const writtenAtMs = batch.at(-1)!.atMs;
    const end = nowMs - writtenAtMs > lookLagMs ? log.length : null;
    const next = keeper.next({ pace, events: batch.length, writtenAtMs, tookMs, nowMs, position, end });
    if (!next) continue;
    changes.push(next);
    log.push({ atMs: nowMs, pace: next });
  }
  return { lagMs: position < log.length ? nowMs - log[position]!.atMs : 0, pace, changes };
}

test('a fold that keeps up learns from everything', () => {
  expect(play(60, () => 250, 2).changes).toEqual([]);
});

test.each([
  [1_000, 2],
  [1_000, 7],
  [250, 12],
])(
  'at %d events a second, of which each takes %d ms, less is learned from until the fold is up to date',
  (rate, eventMs) => {
    const { lagMs, pace, changes } = play(20, () => rate, eventMs);
    expect(lagMs).toBeLessThan(1_000);
    expect(pace.rewards).toBeLessThan(1);
    // It finds its pace instead of swinging.
    expect(changes.length).toBeLessThan(8);
  },
);

test('when less comes again, everything is learned from again', () => {
  const { pace } = play(120, (atMs) => (atMs < 20_000 ? 1_000 : 50), 4);
  expect(pace).toEqual(fullPace);
});

test('a heap of events that lay there is learned from, since no more come than the fold can take', () => {
  const { changes } = play(60, () => 50, 4, { lagEvents: 5_000 });
  expect(changes).toEqual([]);
});

test('a record that never comes is written again', () => {
  const keeper = createPaceKeeper();
  const decided: LearningPace[] = [];
  for (let i = 0, nowMs = 0; i < 400; i++, nowMs += 320) {
    const behind = { writtenAtMs: nowMs - 5_000, end: 1_000 + i * 320 };
    const position = (i + 1) * batchEvents;
    const next = keeper.next({ pace: fullPace, events: batchEvents, tookMs: 320, nowMs, position, ...behind });
    if (next) decided.push(next);
  }
  expect(decided.length).toBeGreaterThan(1);
});

test('a pace that somebody else has written is the one that is gone on from', () => {
  const keeper = createPaceKeeper();
  let next: LearningPace | null = null;
  for (let nowMs = 0; nowMs < 20_000 && !next; nowMs += 100)
    next = keeper.next({
      pace: { steps: 0, rewards: 0 },
      events: 1,
      writtenAtMs: nowMs,
      tookMs: 0.1,
      nowMs,
      position: nowMs / 100,
      end: null,
    });
  expect(next?.rewards).toBeGreaterThan(0);
});

test('more is learned from again while the fold has time, although what comes is old when it comes', () => {
  const keeper = createPaceKeeper();
  const decided: LearningPace[] = [];
  let pace: LearningPace = { steps: 0.25, rewards: 0.03 };
  // The log is 1.2 s ahead all the time: somebody else is late with handing over what was written.
  for (let nowMs = 0; nowMs < 12_000; nowMs += 100) {
    const position = (nowMs / 100 + 1) * 50;
    // 500 events a second at .6 ms each, were all of them learned from.
    const tookMs = 30 * pace.rewards;
    const behind = { writtenAtMs: nowMs - 1_200, end: position + 600 };
    const next = keeper.next({ pace, events: 50, tookMs, nowMs, position, ...behind });
    if (!next) continue;
    decided.push(next);
    pace = next;
  }
  // At first by several levels at once, for nearly all of the time was left.
  expect(decided[0]!.rewards).toBeGreaterThan(0.1);
  expect(pace).toEqual(fullPace);
});

test('a fold whose portions take longer than the time over which arrivals are counted still says so', () => {
  // A portion takes two seconds, in which 2,000 events come.
  const keeper = createPaceKeeper();
  const portion = (index: number) =>
    keeper.next({
      pace: fullPace,
      events: batchEvents,
      writtenAtMs: 32 * index,
      tookMs: 2_000,
      nowMs: 2_000 * (index + 1),
      position: batchEvents * (index + 1),
      end: 2_000 * (index + 1),
    });
  // How many come is known from the second look at where the log ends, and what an event takes from two portions.
  expect(portion(0)).toBeNull();
  expect(portion(1)).toMatchObject({ rewards: 0.03 });
});
