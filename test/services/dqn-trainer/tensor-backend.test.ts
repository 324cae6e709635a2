import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { LearningConfig, RouterConfig } from '../../../lib/config/router-config';
import { foldSettingsOf, sameLineage } from '../../../services/dqn-trainer/fold/fold';
import { chooseBackend, tensorBackendOf } from '../../../services/dqn-trainer/tensor-backend';

function configOf(backend: LearningConfig['backend'], models = 4): RouterConfig {
  const config = defaultRouterConfig(
    Array.from({ length: models }, (_, i) => ({ name: `model-${i}`, provider: 'acme' })),
  );
  return { ...config, learning: { ...config.learning, backend } };
}

test('a backend asked for by name is taken, or missed aloud', () => {
  expect(chooseBackend(configOf('wasm', 256), 'node', true).name).toBe('wasm');
  expect(chooseBackend(configOf('node'), 'wasm', true).name).toBe('node');
  expect(() => chooseBackend(configOf('node'), null, false)).toThrow(
    'learning.backend is node, which is not installed: run `make tensorflow`',
  );
});

test('auto goes by the number of models', () => {
  expect(chooseBackend(configOf('auto', 12), null, true).name).toBe('wasm');
  expect(chooseBackend(configOf('auto', 100), null, true).name).toBe('node');
  expect(chooseBackend(configOf('auto', 100), null, false).name).toBe('wasm');
});

test('auto never changes the backend of a lineage that can go on', () => {
  expect(chooseBackend(configOf('auto', 100), 'wasm', true).name).toBe('wasm');
  expect(chooseBackend(configOf('auto', 4), 'node', true)).toEqual({
    name: 'node',
    reason: 'the lineage that goes on was made with it',
  });
  // It cannot go on here.
  expect(chooseBackend(configOf('auto', 4), 'node', false).name).toBe('wasm');
  expect(chooseBackend(configOf('auto', 100), 'something older', true).name).toBe('node');
});

test('what trains is part of what a state is made of', () => {
  const settings = foldSettingsOf(configOf('auto'), 'wasm');
  expect(settings.learning.backend).toBe('wasm');
  expect(sameLineage(settings, foldSettingsOf(configOf('wasm'), 'wasm'))).toBe(true);
  expect(sameLineage(settings, foldSettingsOf(configOf('auto'), 'node'))).toBe(false);
});

test('names lead to backends', () => {
  expect(tensorBackendOf('wasm').name).toBe('wasm');
  expect(tensorBackendOf('node').name).toBe('node');
});
