import fc from 'fast-check';
import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import { spreadOverDeployments } from '../../../../lib/routing/decide/spread';
import { deploymentsOf } from '../../../../lib/routing/open/deployments';
import { anyOpened, candidateOf, configOf, openedOf, sum, threadOf } from '../fixtures';

const deployments = [{ models: ['eu', 'us'], weights: [1, 3] }];
const candidates = [candidateOf('eu', 'a'), candidateOf('other', 'b'), candidateOf('us', 'c')];

test('what a model is drawn with is spread over its deployments by weight', () => {
  const spread = spreadOverDeployments({ candidates, deployments }, [0.7, 0.2, 0.1]);
  expect(spread[0]).toBeCloseTo(0.2, 12);
  expect(spread[1]).toBe(0.2);
  expect(spread[2]).toBeCloseTo(0.6, 12);
});

test('one that cannot serve leaves its part to the others', () => {
  const without = candidates.map((one) => (one.model === 'us' ? { ...one, eligible: false } : one));
  expect(spreadOverDeployments({ candidates: without, deployments }, [0.7, 0.2, 0.1])).toEqual([0.7, 0.2, 0.1]);
});

test('a decision draws by the spread, and says with what probability', () => {
  const opened = openedOf({ candidates, deployments, explorationFloor: 0, strategies: ['BALANCED'] });
  const { candidates: decided } = recomputeDecision(opened, [threadOf('BALANCED', [1, 0, 0])]);
  expect(decided.map(({ propensity }) => propensity)).toEqual([0.25, 0, 0.75]);
});

test('law: nothing is lost, and who is no deployment keeps what he had', () => {
  fc.assert(
    fc.property(anyOpened, fc.array(fc.nat(7), { minLength: 2, maxLength: 8 }), fc.nat(), (opened, members, seed) => {
      const models = [...new Set(members)].map((i) => `model-${i}`);
      const groups = [{ models, weights: models.map((_, i) => 1 + ((seed + i) % 5)) }];
      const shares = opened.candidates.map(
        (_, i) => (i + 1) / ((opened.candidates.length * (opened.candidates.length + 1)) / 2),
      );
      const spread = spreadOverDeployments({ ...opened, deployments: groups }, shares);
      expect(sum(spread)).toBeCloseTo(1, 9);
      for (const [i, { model, eligible }] of opened.candidates.entries())
        if (!models.includes(model) || !eligible) expect(spread[i]).toBe(shares[i]);
    }),
  );
});

test('deployments are models that say of what they are one, where there are several', () => {
  const [large, small, swift] = configOf().models;
  const config = configOf({
    models: [
      { ...large, deploymentOf: 'gpt' },
      { ...small, deploymentOf: 'gpt', deploymentWeight: 2 },
      { ...swift, deploymentOf: 'alone' },
    ],
  });
  expect(deploymentsOf(config)).toEqual([{ models: ['large', 'small'], weights: [1, 2] }]);
  expect(deploymentsOf(config)).toBe(deploymentsOf(config));
});
