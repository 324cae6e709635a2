import { createMemoryBroker } from '../../../../lib/adapters/memory/memory-broker';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { Tuning } from '../../../../lib/topics/generated/messages';
import { decisionsInLog, watchFeedback } from '../../../../services/gateway/learning/watch-feedback';
import { tuningOf } from '../../../lib/routing/fixtures';

function watched(decisionsBefore: number, models = 12) {
  let tuning: Tuning | undefined;
  const watch = watchFeedback({ tuning: () => tuning, models: () => models, decisionsBefore });
  return {
    decide: (count: number) => {
      for (let i = 0; i < count; i++) watch.noteDecision();
    },
    learn: (learnedRewards: number) => {
      tuning = tuningOf({ learnedRewards });
    },
    report: () => watch.noteReport(),
    state: () => watch.state(),
  };
}

test('without feedback every decision counts, those before the start, too', () => {
  const { decide, state } = watched(400);
  decide(3);
  expect(state()).toEqual({
    rewards: 0,
    rewardsNeeded: 48,
    decisionsSinceFeedback: 403,
    note: 'no feedback has come (403 decisions): until 48 rewards are learned, the learned strategy goes by what the configuration declares, or draws at random where that says nothing; POST /v1/feedback takes it',
  });
});

test('a report that was accepted is feedback, though nothing is learned from it yet', () => {
  const { report, state } = watched(400);
  report();
  expect(state()).toMatchObject({ rewards: 0, decisionsSinceFeedback: 0 });
  expect(state().note).toContain('1 report has come, and none is learned yet');
});

test('a new reward begins the count anew; what is still missing is said until it is there', () => {
  const { decide, learn, state } = watched(400);
  learn(1);
  expect(state()).toMatchObject({ rewards: 1, decisionsSinceFeedback: 0 });
  expect(state().note).toContain('1 rewards are learned: until 48');
  decide(2);
  learn(48);
  decide(1);
  expect(state()).toEqual({ rewards: 48, rewardsNeeded: 48, decisionsSinceFeedback: 1, note: null });
  decide(999);
  expect(state().note).toBe('no feedback has come for 1000 decisions');
});

test('what the log has is no reason not to start', async () => {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  expect(await decisionsInLog(broker, 'nowhere.', 2)).toBe(0);
});
