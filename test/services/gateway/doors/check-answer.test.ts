import { type AnswerFacts, emptyFacts, readEvent, readWhole } from '../../../../lib/providers/answer-facts';
import { checkAnswer } from '../../../../services/gateway/doors/check-answer';

const said = (text: string, more: Partial<AnswerFacts> = {}): AnswerFacts => ({
  ...emptyFacts(),
  ...{ text, hasContent: text !== '', finishReason: 'stop' },
  ...more,
});
const plain = { structured: null, tools: new Map() };
const structured = (schema: unknown) => ({ structured: { schema }, tools: new Map() });
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const formOf = (facts: AnswerFacts, schema: unknown) =>
  checkAnswer(facts, structured(schema), {})['mechanical:structured'] ?? null;

test('a text that was asked for nothing is not judged; no answer at all is', () => {
  expect(checkAnswer(said('hello'), plain, {})).toEqual({});
  expect(checkAnswer(said(''), plain, {})).toEqual({ 'mechanical:empty': 0 });
});

test('structured output is JSON, and valid', () => {
  expect(checkAnswer(said('{"city":"Oslo"}'), structured(city), {})).toEqual({ 'mechanical:structured': 1 });
  expect(formOf(said('{"city":7}'), city)).toBe(0);
  expect(formOf(said('Oslo'), city)).toBe(0);
  expect(formOf(said('[1]'), null)).toBe(1);
  const withRefs = { $defs: { city }, type: 'array', items: { $ref: '#/$defs/city' } };
  expect(formOf(said('[{"city":"Oslo"}]'), withRefs)).toBe(1);
  expect(formOf(said('[{"town":"Oslo"}]'), withRefs)).toBe(0);
});

test('a refusal, and what was cut off, are for the record, and nothing else of them is checked', () => {
  expect(checkAnswer(said('', { isRefusal: true }), structured(city), {})).toEqual({ 'mechanical:refusal': 0 });
  expect(checkAnswer(said('{"ci', { finishReason: 'length' }), structured(city), {})).toEqual({
    'mechanical:finish': 0,
  });
  expect(checkAnswer(said('', { finishReason: 'content_filter' }), plain, {})).toEqual({ 'mechanical:finish': 0 });
});

test('a check that has a weight says that an answer is good as well, and one in unknown words nothing', () => {
  const weights = { 'mechanical:refusal': 0.5, 'mechanical:finish': 0.2 };
  expect(checkAnswer(said('hello'), plain, weights)).toEqual({ 'mechanical:refusal': 1, 'mechanical:finish': 1 });
  expect(checkAnswer(said('hello', { finishReason: 'pause_turn' }), plain, weights)).toEqual({
    'mechanical:refusal': 1,
  });
  expect(checkAnswer(said('no', { isRefusal: true }), plain, weights)).toEqual({
    'mechanical:refusal': 0,
    'mechanical:finish': 1,
  });
});

test('arguments of tools are checked against their declaration, those of others not', () => {
  const tools = new Map([['weather', city]]);
  const called = (name: string, args: unknown, isCut = false) =>
    checkAnswer(
      { ...said(''), hasContent: true, toolCalls: [{ name, arguments: args, isCut }] },
      { structured: null, tools },
      {},
    )['mechanical:tools'] ?? null;
  expect(called('weather', '{"city":"Oslo"}')).toBe(1);
  expect(called('weather', { city: 'Oslo' })).toBe(1);
  expect(called('weather', '{"city"')).toBe(0);
  // It was too long to be kept, which is no fault of the model.
  expect(called('weather', '{"city"', true)).toBeNull();
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
    expect(formOf(said(JSON.stringify(`${'a'.repeat(40)}!`)), schema)).toBe(1);
  for (const schema of [7, { type: 7 }, { $ref: 'https://example.org/x' }, { type: ['nonsense'] }])
    expect([0, 1, null]).toContain(formOf(said('1'), schema));
});

describe.each([
  {
    api: 'chat' as const,
    whole: (finish: string, message: object) => ({ id: 'a', choices: [{ index: 0, message, finish_reason: finish }] }),
    stream: (finish: string, delta: object) => [
      { id: 'a', choices: [{ index: 0, delta }] },
      { id: 'a', choices: [{ index: 0, delta: {}, finish_reason: finish }] },
    ],
    refusal: ['stop', { content: null, refusal: 'No.' }],
    cut: ['length', { content: 'Once upon' }],
    filtered: ['content_filter', { content: '' }],
    empty: ['stop', { content: '' }],
  },
  {
    api: 'messages' as const,
    whole: (finish: string, content: object) => ({ id: 'a', content: [content], stop_reason: finish }),
    stream: (finish: string, content: object) => [
      { type: 'content_block_start', index: 0, content_block: content },
      { type: 'message_delta', delta: { stop_reason: finish } },
      { type: 'message_stop' },
    ],
    refusal: ['refusal', { type: 'text', text: 'No.' }],
    cut: ['max_tokens', { type: 'text', text: 'Once upon' }],
    filtered: ['model_context_window_exceeded', { type: 'text', text: '' }],
    empty: ['end_turn', { type: 'text', text: '' }],
  },
  {
    api: 'responses' as const,
    whole: (finish: string, part: object) => responseOf(finish, part),
    stream: (finish: string, part: object) => [
      {
        type: finish === 'completed' ? 'response.completed' : 'response.incomplete',
        response: responseOf(finish, part),
      },
    ],
    refusal: ['completed', { type: 'refusal', refusal: 'No.' }],
    cut: ['max_output_tokens', { type: 'output_text', text: 'Once upon' }],
    filtered: ['content_filter', { type: 'output_text', text: '' }],
    empty: ['completed', { type: 'output_text', text: '' }],
  },
])('$api', ({ api, whole, stream, ...answers }) => {
  const wanted = {
    refusal: { 'mechanical:refusal': 0 },
    cut: { 'mechanical:finish': 0 },
    filtered: { 'mechanical:finish': 0 },
    empty: { 'mechanical:empty': 0 },
  } as const;
  test.each(Object.keys(wanted) as (keyof typeof wanted)[])('%s, whole and in a stream', (kind) => {
    const [finish, content] = answers[kind] as [string, object];
    const atOnce = emptyFacts();
    expect(readWhole(api, whole(finish, content), atOnce)).toBe(true);
    expect(checkAnswer(atOnce, plain, {})).toEqual(wanted[kind]);
    const streamed = emptyFacts();
    for (const event of stream(finish, content)) readEvent(api, JSON.stringify(event), streamed);
    expect(checkAnswer(streamed, plain, {})).toEqual(wanted[kind]);
  });
});

function responseOf(finish: string, part: object) {
  const isWhole = finish === 'completed';
  return {
    id: 'a',
    status: isWhole ? 'completed' : 'incomplete',
    ...(!isWhole && { incomplete_details: { reason: finish } }),
    output: [{ type: 'message', content: [part] }],
  };
}
