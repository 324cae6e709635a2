import { recomputeDecision } from '../../../../lib/routing/decide/decide';
import type { Candidate } from '../../../../lib/topics/generated/messages';
import { openedOf, threadOf, tuningOf } from '../fixtures';

/** What is said where the learned strategy leads, with so many rewards learned. */
function reasoningOf(learnedRewards: number, coldStart: boolean, lead = 'LEARNING_OPTIMIZED'): string {
  const opened = openedOf({ tuning: tuningOf({ learnedRewards }), strategies: [lead] });
  const even = opened.candidates.map(() => 1 / opened.candidates.length);
  return recomputeDecision(opened, [threadOf(lead, even, { coldStart })]).reasoning;
}

test('where nothing is learned yet, no strategy is said to have chosen', () => {
  const said = reasoningOf(0, true);
  expect(said).toContain('nothing learned yet (0 of 24 rewards), drawn at random');
  expect(said).not.toContain('chosen');
  expect(reasoningOf(23, true)).toContain('too little learned yet (23 of 24 rewards), drawn at random');
});

test('where the weights had not been published yet, that is said', () => {
  expect(reasoningOf(24, true)).toContain('no learned weights were known when it came, drawn at random');
});

test('where beliefs are declared, nothing is said to be random', () => {
  const bare = openedOf({
    tuning: tuningOf({ learnedRewards: 0 }),
    strategies: ['LEARNING_OPTIMIZED'],
    explorationFloor: 0,
  });
  const candidates = bare.candidates.map((candidate) => {
    const { expectedQuality: quality, expectedCostUsd: costUsd, expectedLatencyMs: latencyMs } = candidate;
    return { ...candidate, declared: { quality, costUsd, latencyMs } };
  });
  const reasoningAt = (probabilities: number[]): string =>
    recomputeDecision({ ...bare, candidates }, [threadOf('LEARNING_OPTIMIZED', probabilities, { coldStart: true })])
      .reasoning;
  expect(reasoningAt([1, 0, 0])).toContain(
    'nothing learned yet (0 of 24 rewards), routed by what the configuration declares, with probability 1.',
  );
  expect(reasoningAt([0, 1, 0])).toContain('drawn to explore beside what the configuration declares');
});

test('once it is learned the learned strategy has chosen; others always have', () => {
  expect(reasoningOf(24, false)).toContain('LEARNING_OPTIMIZED');
  expect(reasoningOf(24, false)).not.toContain('random');
  expect(reasoningOf(0, false, 'BALANCED')).not.toContain('learned yet');
});

test('what staying with the model of a session saves is said, and what leaving it gives up', () => {
  const warmCache = { model: 'large', tokens: 6_000, savedUsd: 0.0216 };
  const opened = openedOf({ warmCache, strategies: ['BALANCED'], explorationFloor: 0 });
  const reasoningAt = (probabilities: number[]): string =>
    recomputeDecision(opened, [threadOf('BALANCED', probabilities)]).reasoning;
  expect(reasoningAt([1, 0, 0])).toContain(
    'Staying with it saves $0.022 for 6000 tokens that it has in its prompt cache.',
  );
  expect(reasoningAt([0, 1, 0])).toContain('That gives up $0.022 for 6000 tokens that large has in its prompt cache.');
  expect(recomputeDecision(openedOf(), []).reasoning).not.toContain('prompt cache');
});

test('why the least bad candidate serves is said by what is wrong with it', () => {
  const base = openedOf({ strategies: ['BALANCED'], explorationFloor: 0 });
  const reasoningWith = (bar: Candidate['bar'], changes: Partial<Candidate> = {}): string => {
    const barred = { ineligibleReason: 'in any words', bar, ...changes };
    const candidates = base.candidates.map((one, i) => ({ ...one, eligible: i === 0, ...barred }));
    return recomputeDecision({ ...base, candidates }, [threadOf('BALANCED', [1, 0, 0])]).reasoning;
  };
  const barOf = (field: string, kind: string) => ({ field, kind, capability: null, share: null });
  expect(reasoningWith(barOf('health', 'open'))).toContain('No candidate is healthy;');
  expect(reasoningWith(barOf('capacity', 'limited'))).toContain('No candidate can take more now;');
  expect(reasoningWith(barOf('limits.maxLatencyMs', 'slowTail'))).toContain('No candidate is always fast enough;');
  // A record from before bars were pinned.
  expect(reasoningWith(null, { health: 'OPEN' })).toContain('No candidate is healthy;');
});

test('how complex a request is, by what, and how many models that shuts out', () => {
  const parts = { structure: 0, code: 0, languages: 0, context: 0, tools: 0, history: 0, housekeeping: false };
  const complexity = { value: 0.83, ...parts, mathematics: 0.9, parts: 0.5, trajectory: 0.7 };
  const opened = openedOf({ complexity, strategies: ['BALANCED'], explorationFloor: 0 });
  const candidates = opened.candidates.map((candidate, i) =>
    i === 2 ? { ...candidate, eligible: false, ineligibleReason: 'complexity: 0.83 is over 0.8' } : candidate,
  );
  const reasoningOf = (changes: Partial<typeof opened>): string =>
    recomputeDecision({ ...opened, ...changes }, [threadOf('BALANCED', [1, 0, 0])]).reasoning;
  expect(reasoningOf({})).toContain('Complexity 0.83 (mathematics, trajectory).');
  expect(reasoningOf({ candidates })).toContain('trajectory), too much for 1 of the models by complexityLimits.');
  expect(reasoningOf({ complexity: { ...complexity, value: 0.2, housekeeping: true } })).toContain('(housekeeping)');
  expect(reasoningOf({ complexity: { value: 0, ...parts, mathematics: 0, parts: 0, trajectory: 0 } })).toContain(
    'Complexity 0.',
  );
  expect(reasoningOf({ complexity: null })).not.toContain('Complexity');
});
