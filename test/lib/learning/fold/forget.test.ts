import { configFromJson, configToJson, defaultRouterConfig, parseConfig } from '../../../../lib/config/parse-config';
import type { ForgetRule } from '../../../../lib/config/router-config';
import { createForgetting, forgottenOf } from '../../../../lib/learning/fold/forget';
import type { LearningEvent } from '../../../../lib/topics/generated/messages';
import { learningEvent } from '../../../services/dqn-trainer/records';

const rule = (of: Partial<ForgetRule>): ForgetRule => ({ reason: '', ...of });
const noon = Date.parse('2026-11-28T12:00Z');
const judged = (change: Partial<LearningEvent>): LearningEvent => learningEvent(1, { quality: 0.5, ...change });
const qualityOf = (rules: readonly ForgetRule[], change: Partial<LearningEvent>): number | null =>
  createForgetting(rules).hear(judged(change)).quality;

test('judgements go by source and by time; what a call cost stays', () => {
  const ofLiar = [rule({ source: 'liar' })];
  expect(qualityOf(ofLiar, { source: 'liar' })).toBeNull();
  expect(qualityOf(ofLiar, { source: 'judge' })).toBe(0.5);
  expect(createForgetting(ofLiar).hear(judged({ source: 'liar', costUsd: 0.25 })).costUsd).toBe(0.25);
  const before = [rule({ source: 'liar', to: '2026-11-28T12:00Z' })];
  expect(qualityOf(before, { source: 'liar', occurredAtMs: noon - 1 })).toBeNull();
  expect(qualityOf(before, { source: 'liar', occurredAtMs: noon })).toBe(0.5);
  const from = [rule({ from: noon })];
  expect(qualityOf(from, { occurredAtMs: noon - 1 })).toBe(0.5);
  expect(qualityOf(from, { occurredAtMs: noon })).toBeNull();
});

test('a row of recorded data has a judgement of each model', () => {
  const forgetting = createForgetting([rule({ source: 'recorded' })]);
  const row = judged({ kind: 'FULL', model: null, quality: null, source: 'recorded', fullQualities: [0.2, null, 0.7] });
  expect(forgetting.hear(row).fullQualities).toEqual([null, null, null]);
  expect(forgetting.judgements).toBe(2);
});

test('an honest word about a decision counts as its first where the one before it is forgotten, and stays where the later one is', () => {
  const rules = [rule({ source: 'liar' })];
  const lie = judged({ source: 'liar', quality: 0.1 });
  const truth = judged({
    source: 'judge',
    quality: 0.8,
    revision: 1,
    replaces: { quality: 0.1, costUsd: 0.01 },
  });
  const liarFirst = createForgetting(rules);
  liarFirst.hear(lie);
  expect(liarFirst.hear(truth).replaces).toEqual({ quality: null, costUsd: 0.01 });
  const liarInBetween = createForgetting(rules);
  liarInBetween.hear(judged({ source: 'judge', quality: 0.7 }));
  const second = judged({ source: 'liar', quality: 0.1, revision: 1, replaces: { quality: 0.7, costUsd: null } });
  expect(liarInBetween.hear(second)).toMatchObject({ quality: null, replaces: { quality: 0.7 } });
  // As it would be after a restart in between.
  const restarted = createForgetting(rules, JSON.parse(JSON.stringify(liarInBetween.saved())));
  const third = judged({ source: 'judge', quality: 0.8, revision: 2, replaces: { quality: 0.1, costUsd: null } });
  for (const forgetting of [liarInBetween, restarted])
    expect(forgetting.hear(third)).toMatchObject({ quality: 0.8, replaces: { quality: 0.7 } });
  expect(restarted.saved()).toEqual(liarInBetween.saved());
});

test('two ways of writing the same rules are the same', () => {
  const a = [rule({ source: 'x', from: '2026-11-28T12:00Z', reason: 'one' }), rule({ to: noon })];
  const b = [rule({ to: '2026-11-28T13:00+01:00' }), rule({ source: 'x', from: noon }), rule({ to: noon })];
  expect(forgottenOf(a)).toEqual(forgottenOf(b));
  expect(forgottenOf(undefined)).toEqual([]);
});

test('rules of a configuration are checked, each fault with its field', () => {
  const faultsOf = (forget: string): string[] => {
    const parsed = parseConfig(`models: [{ name: a, provider: b }]\nlearning:\n  forget: ${forget}`);
    return parsed.ok ? [] : parsed.errors.map(({ line, path, message }) => `${line} ${path} ${message}`);
  };
  expect(faultsOf('[{ source: liar, to: 2026-11-28 }, { from: 1700000000000 }]')).toEqual([]);
  expect(faultsOf('[{ reason: because }]')).toEqual([
    expect.stringMatching(/^3 learning\.forget\.0.* whose judgements/),
  ]);
  expect(faultsOf('[{ from: 2026-11-28, to: 2026-11-27 }]')).toEqual([
    expect.stringMatching(/^3 learning\.forget\.0\.to must be later than from/),
  ]);
  expect(faultsOf('[{ from: 2026-13-45 }]')[0]).toMatch(/^3 learning\.forget\.0\.from/);
  expect(faultsOf('[{ from: yesterday }]')[0]).toMatch(/^3 learning\.forget\.0\.from/);
  const config = defaultRouterConfig([{ name: 'a', provider: 'b' }]);
  expect(configFromJson(configToJson(config)).learning.forget).toEqual([]);
});
