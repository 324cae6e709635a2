import { cheapestHealthy, degrade } from '../../../../lib/routing/decide/degrade';
import { judgeThread } from '../../../../lib/routing/judge/judge-thread';
import type { ThreadScore } from '../../../../lib/topics/generated/messages';
import { candidateOf, openedOf, threadOf } from '../fixtures';

const learned = threadOf('LEARNING_OPTIMIZED', [1, 0, 0], { policySha256: 'p' });
const fixed = threadOf('BALANCED', [0, 1, 0]);
const deadOf = (thread: ThreadScore, status: 'FAILED' | 'TIMEOUT' = 'FAILED') => ({ ...thread, status });
const opened = openedOf({ policySha256: 'p' });

test.each([
  ['everything there', 'NONE', [learned, fixed]],
  ['a static one missing', 'NONE', [learned, deadOf(fixed)]],
  ['the learned one not asked', 'NONE', [fixed]],
  ['older weights', 'LAST_GOOD_WEIGHTS', [{ ...learned, policySha256: 'o' }, fixed]],
  ['the learned one failed', 'STATIC_STRATEGIES', [deadOf(learned), fixed]],
  ['the learned one late', 'STATIC_STRATEGIES', [deadOf(learned, 'TIMEOUT'), fixed]],
] as const)('%s: %s', (_name, step, threads) => {
  expect(degrade(opened, threads)).toEqual({ degradedTo: step, standIns: [] });
});

test.each([
  ['nothing was asked because the request is overdue', []],
  ['only the learned one was asked, and it died', [deadOf(learned)]],
  ['everything asked has failed', [deadOf(learned), deadOf(fixed)]],
])('%s: what the request wishes for is judged on the spot', (_name, threads) => {
  const { degradedTo, standIns } = degrade(opened, threads);
  expect(degradedTo).toBe('STATIC_STRATEGIES');
  expect(standIns).toMatchObject([{ strategy: 'BALANCED', status: 'SUCCESS' }]);
});

test('threads that did not answer in time are judged on the spot, but for the learned one', () => {
  const cheap = threadOf('COST_EFFICIENT', [0, 1, 0]);
  const unknown = threadOf('constructor', [0, 1, 0]);
  const { degradedTo, standIns } = degrade(
    opened,
    [learned, fixed, cheap, unknown].map((thread) => deadOf(thread, 'TIMEOUT')),
  );
  expect(degradedTo).toBe('STATIC_STRATEGIES');
  expect(standIns).toEqual((['BALANCED', 'COST_EFFICIENT'] as const).map((name) => judgeThread(name, opened, null)));
});

test('no static strategy can judge: the cheapest healthy candidate', () => {
  const blind = openedOf();
  for (const candidate of blind.candidates) candidate.expectedQuality = Number.NaN;
  const { degradedTo, standIns } = degrade(blind, [deadOf(learned), deadOf(fixed, 'TIMEOUT')]);
  expect(degradedTo).toBe('CHEAPEST_HEALTHY');
  expect(standIns[0]!.probabilities).toEqual([0, 1, 0]);
});

test('cheapest healthy: eligible before all, healthy before cheap, fast among equals', () => {
  const choice = (...candidates: Parameters<typeof candidateOf>[2][]) =>
    cheapestHealthy(
      openedOf({ candidates: candidates.map((changes, i) => candidateOf(`m${i}`, 'p', changes)) }),
    ).probabilities.indexOf(1);
  expect(choice({ expectedCostUsd: 2 }, { expectedCostUsd: 1 })).toBe(1);
  expect(choice({ expectedCostUsd: 2 }, { expectedCostUsd: 1, eligible: false })).toBe(0);
  expect(choice({ expectedCostUsd: 2 }, { expectedCostUsd: 1, health: 'HALF_OPEN' })).toBe(0);
  expect(choice({ health: 'OPEN' }, { health: 'HALF_OPEN' })).toBe(1);
  expect(choice({ expectedLatencyMs: 20 }, { expectedLatencyMs: 10 })).toBe(1);
  expect(() => choice({ eligible: false })).toThrow('no eligible candidate');
});
