import { type AnswerFacts, emptyFacts } from '../../../../lib/providers/answer-facts';
import { mechanicalQuality } from '../../../../services/gateway/doors/check-answer';

const said = (text: string, more: Partial<AnswerFacts> = {}): AnswerFacts => ({
  ...emptyFacts(),
  ...{ text, hasContent: text !== '', finishReason: 'stop' },
  ...more,
});
const plain = { structured: null, tools: new Map() };
const structured = (schema: unknown) => ({ structured: { schema }, tools: new Map() });
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

test('a text that was asked for nothing is not judged; no answer at all is', () => {
  expect(mechanicalQuality(said('hello'), plain)).toBeNull();
  expect(mechanicalQuality(said(''), plain)).toBe(0);
});

test('structured output is JSON, and valid', () => {
  expect(mechanicalQuality(said('{"city":"Oslo"}'), structured(city))).toBe(1);
  expect(mechanicalQuality(said('{"city":7}'), structured(city))).toBe(0);
  expect(mechanicalQuality(said('Oslo'), structured(city))).toBe(0);
  expect(mechanicalQuality(said('[1]'), structured(null))).toBe(1);
  const withRefs = { $defs: { city }, type: 'array', items: { $ref: '#/$defs/city' } };
  expect(mechanicalQuality(said('[{"city":"Oslo"}]'), structured(withRefs))).toBe(1);
  expect(mechanicalQuality(said('[{"town":"Oslo"}]'), structured(withRefs))).toBe(0);
});

test('a refusal, and what was cut off, say nothing', () => {
  expect(mechanicalQuality(said('', { isRefusal: true }), structured(city))).toBeNull();
  expect(mechanicalQuality(said('{"ci', { finishReason: 'length' }), structured(city))).toBeNull();
});

test('arguments of tools are checked against their declaration, those of others not', () => {
  const tools = new Map([['weather', city]]);
  const called = (name: string, args: unknown) =>
    mechanicalQuality(
      { ...said(''), hasContent: true, toolCalls: [{ name, arguments: args }] },
      { structured: null, tools },
    );
  expect(called('weather', '{"city":"Oslo"}')).toBe(1);
  expect(called('weather', { city: 'Oslo' })).toBe(1);
  expect(called('weather', '{"city"')).toBe(0);
  expect(called('weather', '')).toBe(0);
  expect(called('web_search', 'anything')).toBeNull();
});

test('a schema that would take for ever is not checked: JSON that parses is enough', () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [
      `d${n}`,
      { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  );
  const doubling = { $defs: { ...$defs, d40: { type: 'number' } }, $ref: '#/$defs/d0' };
  const recursive = { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' };
  const slow = { type: 'string', pattern: '^(a+)+$' };
  for (const schema of [doubling, recursive, slow])
    expect(mechanicalQuality(said(JSON.stringify(`${'a'.repeat(40)}!`)), structured(schema))).toBe(1);
  for (const schema of [7, { type: 7 }, { $ref: 'https://example.org/x' }, { type: ['nonsense'] }])
    expect([0, 1, null]).toContain(mechanicalQuality(said('1'), structured(schema)));
});
