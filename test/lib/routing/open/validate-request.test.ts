import { validateRequest } from '../../../../lib/routing/open/validate-request';
import type { RouteRequested } from '../../../../lib/topics/generated/messages';
import { noLimits } from '../../../../lib/topics/schema-defaults';
import { configOf, requestOf } from '../fixtures';

const config = configOf({ limits: { maxPromptBytes: 100, maxFeatures: 2 } });
const floats = (...values: number[]): Buffer => Buffer.from(new Float32Array(values).buffer);
const messages = [{ role: 'user', content: 'hi' }];

test.each<[string, Partial<RouteRequested>]>([
  ['a prompt', {}],
  ['messages', { prompt: null, messages }],
  ['features', { prompt: null, features: floats(1, -2) }],
  ['a request from long ago', { requestedAtMs: 0 }],
  [
    'every wish at once',
    {
      limits: { ...noLimits, maxCostUsd: 0, maxLatencyMs: 1, allowedModels: ['large'], deniedProviders: ['beta'] },
      preference: { quality: 0, cost: 0, latency: 3 },
      strategies: ['RANDOM', 'BALANCED'],
      collapse: 'CONSENSUS',
      threadTimeoutMs: 60_000,
    },
  ],
])('valid: %s', (_name, changes) => {
  expect(validateRequest(requestOf(changes), config)).toBeNull();
});

const limits = (changes: Partial<RouteRequested['limits']>) => ({ limits: { ...noLimits, ...changes } });

test.each<[string, string, Partial<RouteRequested>]>([
  ['requestId', 'empty', { requestId: '' }],
  ['requestId', 'at most 200 characters', { requestId: 'x'.repeat(201) }],
  ['requestId', 'lone surrogate (U+D800 at 0)', { requestId: '\ud800' }],
  ['sessionId', 'control character (U+0000 at 1)', { sessionId: 'a\0' }],
  ['tenantId', 'control character (U+001B', { tenantId: '\u001b[2J' }],
  ['requiredCapabilities.1', 'must not be empty', { requiredCapabilities: ['vision', ''] }],
  ['requestedAtMs', 'whole number from 0 to 253402300799999', { requestedAtMs: 9_007_199_254_740_991 }],
  ['requestedAtMs', 'whole number', { requestedAtMs: -1 }],
  ['sessionId', 'empty', { sessionId: '' }],
  ['taskHint', 'at most 200', { taskHint: 'x'.repeat(201) }],
  ['prompt', 'must be given', { prompt: null }],
  ['messages', 'prompt and messages', { messages }],
  ['features', 'messages and features', { prompt: null, messages, features: floats(1) }],
  ['prompt', 'must not be empty', { prompt: '' }],
  ['prompt', '101 bytes are more than limits.maxPromptBytes (100)', { prompt: 'x'.repeat(101) }],
  ['messages', '102 bytes', { prompt: null, messages: [...messages, { role: 'user', content: 'é'.repeat(50) }] }],
  ['messages', 'must not be empty', { prompt: null, messages: [{ role: 'user', content: '' }] }],
  ['messages', 'more than 10000', { prompt: null, messages: Array.from({ length: 10_001 }, () => messages[0]!) }],
  ['features', 'no whole number of float32', { prompt: null, features: Buffer.alloc(5) }],
  ['features', 'must not be empty', { prompt: null, features: Buffer.alloc(0) }],
  ['features', '3 values are more than limits.maxFeatures (2)', { prompt: null, features: floats(1, 2, 3) }],
  ['features.1', 'finite', { prompt: null, features: floats(1, Number.NaN) }],
  ['features.0', 'finite', { prompt: null, features: floats(Number.POSITIVE_INFINITY) }],
  ['contextTokens', 'not -1', { contextTokens: -1 }],
  ['expectedOutputTokens', 'not NaN', { expectedOutputTokens: Number.NaN }],
  ['threadTimeoutMs', '1 to 60000', { threadTimeoutMs: 0 }],
  ['threadTimeoutMs', '1 to 60000', { threadTimeoutMs: 60_001 }],
  ['requiredCapabilities', 'more than 256', { requiredCapabilities: new Array(257).fill('a') }],
  ['limits.maxCostUsd', 'not -1', limits({ maxCostUsd: -1 })],
  ['limits.maxCostUsd', 'not NaN', limits({ maxCostUsd: Number.NaN })],
  ['limits.maxSessionCostUsd', 'not -1', { sessionId: 's', ...limits({ maxSessionCostUsd: -1 }) }],
  ['limits.maxSessionCostUsd', 'needs a sessionId', limits({ maxSessionCostUsd: 1 })],
  ['limits.maxLatencyMs', 'not Infinity', limits({ maxLatencyMs: Number.POSITIVE_INFINITY })],
  [
    'limits.allowedModels.1',
    'unknown model "larg"; the nearest known is "large"',
    limits({ allowedModels: ['small', 'larg'] }),
  ],
  ['limits.deniedModels.0', 'unknown model', limits({ deniedModels: ['?'] })],
  ['limits.allowedProviders.0', 'nearest known is "alpha"', limits({ allowedProviders: ['alfa'] })],
  ['limits.deniedProviders.0', 'unknown provider', limits({ deniedProviders: ['x'] })],
  ['limits.deniedModels', 'more than 256', limits({ deniedModels: new Array(257).fill('large') })],
  ['preference.cost', 'not -1', { preference: { quality: 1, cost: -1, latency: 0 } }],
  ['preference.quality', 'not NaN', { preference: { quality: Number.NaN, cost: 1, latency: 0 } }],
  ['preference', 'not all be 0', { preference: { quality: 0, cost: 0, latency: 0 } }],
  ['preference', 'too large', { preference: { quality: 1e308, cost: 1e308, latency: 1e308 } }],
  ['strategies', '9 strategies are more than 8', { strategies: new Array(9).fill('RANDOM') }],
  ['strategies.1', 'nearest known is "BALANCED"', { strategies: ['RANDOM', 'BALANCE'] }],
  ['strategies.1', 'listed twice', { strategies: ['RANDOM', 'RANDOM'] }],
  ['collapse', 'nearest known is "CONSENSUS"', { collapse: 'CONSENSU' }],
  ['collapse', 'unknown collapse', { collapse: 'toString' }],
])('invalid: %s %s', (field, reason, changes) => {
  const fault = validateRequest(requestOf(changes), config);
  expect(fault?.field).toBe(field);
  expect(fault?.reason).toContain(reason);
});

test('a fault never repeats the prompt', () => {
  const fault = validateRequest(requestOf({ prompt: 'SECRET '.repeat(50) }), config);
  expect(JSON.stringify(fault)).not.toContain('SECRET');
});
