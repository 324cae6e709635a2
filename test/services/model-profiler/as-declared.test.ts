import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { ModelConfig } from '../../../lib/config/router-config';
import { asDeclared } from '../../../services/model-profiler/as-declared';
import { profileModel } from '../../../services/model-profiler/profile-model';
import { observed } from './records';

const modelOf = (changes: Partial<ModelConfig> = {}): ModelConfig =>
  defaultRouterConfig([{ name: 'alpha', provider: 'acme', ...changes }]).models[0]!;
const priceOf = (inputPerMillionUsd: number) => ({ inputPerMillionUsd, outputPerMillionUsd: 1, perRequestUsd: 0 });

const seen = (model: ModelConfig) => {
  const { row } = profileModel(undefined, observed({ firstTokenMs: 80 }), defaultRouterConfig([model]), 1);
  return row.models['alpha']!;
};

test('another price makes what calls cost a thing of the past, and nothing else', () => {
  const profile = seen(modelOf({ price: priceOf(1) }));
  const after = asDeclared(profile, modelOf({ price: priceOf(2) }));
  for (const stats of [after.overall, after.tasks['code']!]) {
    expect(stats).toMatchObject({ costUsd: 0, costWeight: 0, costPerMillionTokensUsd: 0, costedTokens: 0 });
    expect(stats).toMatchObject({ quality: 0.8, qualityWeight: 1, latencyMs: 500, outputTokens: 20 });
  }
  expect(after.firstTokens).not.toBeNull();
  expect(asDeclared(after, modelOf({ price: priceOf(2) }))).toBe(after);
});

test('another version is seen anew, and stays as healthy and as busy as it was', () => {
  const profile = seen(modelOf());
  const after = asDeclared(profile, modelOf({ version: '2' }));
  expect(after).toMatchObject({ overall: { weight: 0, latencies: null }, tasks: {}, firstTokens: null });
  expect([after.breaker, after.capacity]).toEqual([profile.breaker, profile.capacity]);
});

test('a profile from before declarations were kept is of what is declared now', () => {
  const profile = { ...seen(modelOf()), declaredVersion: null, declaredPrice: null };
  expect(asDeclared(profile, modelOf({ version: '2' }))).toMatchObject({
    overall: { quality: 0.8 },
    declaredVersion: '2',
  });
});
