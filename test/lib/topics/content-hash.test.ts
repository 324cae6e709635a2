import { contentHashOf } from '../../../lib/topics/content-hash';
import type { RouteRequested } from '../../../lib/topics/generated/messages';
import { noLimits } from '../../../lib/topics/schema-defaults';
import { topics } from '../../../lib/topics/topics';
import { requestOf } from '../routing/fixtures';

const hash = (changes: Partial<RouteRequested> = {}) => contentHashOf(requestOf(changes));
const messages = (...turns: string[]) => ({
  prompt: null,
  messages: turns.map((content) => ({ role: 'user', content })),
});

test('how a request travels does not change it', () => {
  expect(hash()).toMatch(/^[0-9a-f]{16}$/);
  expect(hash({ replyTo: 'gateway-1', requestedAtMs: 1 })).toBe(hash());
  const limits = Object.fromEntries(Object.entries(noLimits).reverse()) as unknown as RouteRequested['limits'];
  expect(hash({ limits })).toBe(hash());
});

test('who sends it and who reads it see the same', () => {
  for (const changes of [
    { prompt: 'a\ufffdb😀' },
    messages('a', 'b\ufffd'),
    { prompt: null, features: Buffer.alloc(8, 1) },
  ]) {
    const request = requestOf(changes);
    const { codec } = topics.routeRequested;
    expect(contentHashOf(codec.decode(codec.encode(request)))).toBe(contentHashOf(request));
  }
});

test.each<[string, Partial<RouteRequested>]>([
  ['the id', { requestId: 'other' }],
  ['the prompt', { prompt: 'What is the capital of Spain?' }],
  ['a limit', { limits: { ...noLimits, maxCostUsd: 0 } }],
  ['the session', { sessionId: 's' }],
  ['a strategy', { strategies: ['RANDOM'] }],
  ['a preference', { preference: { quality: 0, cost: 0, latency: 1 } }],
])('%s changes it', (_name, changes) => {
  expect(hash(changes)).not.toBe(hash());
});

test('the same letters in other fields or turns are other content', () => {
  expect(hash(messages('a', 'b'))).not.toBe(hash(messages('ab')));
  expect(hash(messages('a', 'b'))).not.toBe(hash(messages('a4|userb')));
  const turn = (role: string, content: string) => ({ role, content });
  const asked = [turn('user', 'a')];
  // A producer of its own may give a role any name, also that of a field.
  expect(hash({ prompt: null, messages: [...asked, turn('taskHint', 'code')], taskHint: null })).not.toBe(
    hash({ prompt: null, messages: asked, taskHint: 'code' }),
  );
  expect(hash({ tenantId: 'x', taskHint: null })).not.toBe(hash({ tenantId: null, taskHint: 'x' }));
});

test('a request has the hash that earlier releases gave it', () => {
  const request = requestOf({
    requestId: 'r-1',
    sessionId: 's',
    ...messages('W\u00f6rter and "quotes"', ''),
    features: Buffer.from([1, 2, 3, 4]),
    contextTokens: 7,
    requiredCapabilities: ['tools', 'json'],
    preference: { quality: 1, latency: 0.25, cost: 1e-7 },
    limits: { ...noLimits, maxLatencyMs: 3, deniedModels: ['b', 'a'] },
  });
  expect(contentHashOf(request)).toBe('f6e42b19c8a3f81d');
});
