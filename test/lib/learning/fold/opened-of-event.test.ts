import { openedOfEvent } from '../../../../lib/learning/fold/opened-of-event';
import { untuned } from '../../../../lib/routing/open/pin-tuning';
import { topics } from '../../../../lib/topics/topics';
import { learningEvent } from '../../../services/dqn-trainer/records';

const world = {
  tuning: { ...untuned, costPricePerUsd: 3 },
  utilityScale: { costUsd: 0.01, latencyMs: 1_000 },
  explorationFloor: 0.05,
  budgetUsdPerRequest: 0.002,
  expectedLatencyMs: (model: string) => (model === 'alpha' ? 100 : 200),
};

test('has what a policy looks at: features, candidates with their costs, preference, tuning', () => {
  const event = learningEvent(3, { eligible: [true, false], sessionId: 's' });
  const opened = openedOfEvent(event, world);
  expect(opened).toMatchObject({
    callerFeatures: event.callerFeatures,
    taskType: 'toy',
    preference: event.preference,
    tuning: world.tuning,
    explorationFloor: 0.05,
    budgetUsdPerRequest: 0.002,
    routingKey: 's',
    candidates: [
      { model: 'alpha', eligible: true, expectedCostUsd: 0.001, expectedLatencyMs: 100, priceFactor: 0.01 },
      { model: 'bravo', eligible: false, expectedCostUsd: 0.002, expectedLatencyMs: 200, priceFactor: 0.02 },
    ],
  });
});

test('is a valid opened request', () => {
  const opened = openedOfEvent(learningEvent(3), world);
  const { codec } = topics.routeOpened;
  expect(codec.decode(codec.encode(opened))).toMatchObject({ requestId: 'd3', routingKey: 'd3' });
});
