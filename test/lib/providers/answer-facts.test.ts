import fc from 'fast-check';
import { apiNames } from '../../../lib/config/provider-config';
import { emptyFacts, readEvent, readWhole } from '../../../lib/providers/answer-facts';

const words = [
  ...['id', 'model', 'usage', 'choices', 'delta', 'message', 'content', 'tool_calls', 'function', 'arguments', 'name'],
  ...['type', 'index', 'error', 'output', 'response', 'content_block', 'input_tokens', 'prompt_tokens', 'data'],
  ...['finish_reason', 'stop_reason', 'refusal', 'text', 'prompt_tokens_details', 'cached_tokens', '__proto__'],
];
const values = [
  ...['message_start', 'content_block_start', 'content_block_delta', 'message_delta', 'tool_use', 'text'],
  ...['response.completed', 'response.failed', 'input_json_delta', 'function_call', 'error'],
];
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(...values),
    fc.jsonValue({ maxDepth: 0 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 6 }),
  ),
}));

test('whatever a provider sends is read without an exception, and counts stay counts', () => {
  fc.assert(
    fc.property(fc.constantFrom(...apiNames), value, (api, sent) => {
      const [whole, streamed] = [emptyFacts(), emptyFacts()];
      readWhole(api, sent, whole);
      readEvent(api, JSON.stringify(sent), streamed);
      for (const facts of [whole, streamed]) {
        for (const count of [facts.inputTokens, facts.outputTokens, facts.cachedInputTokens, facts.reasoningTokens])
          expect(count === null || (Number.isSafeInteger(count) && count >= 0)).toBe(true);
        for (const text of [facts.id, facts.model, facts.finishReason])
          expect(text === null || typeof text === 'string').toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('usage in the words of each API', () => {
  const openai = emptyFacts();
  readWhole(
    'chat',
    {
      choices: [{}],
      usage: {
        ...{ prompt_tokens: 10, completion_tokens: 7 },
        ...{ prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 5 } },
      },
    },
    openai,
  );
  expect(openai).toMatchObject({ inputTokens: 10, cachedInputTokens: 4, outputTokens: 7, reasoningTokens: 5 });
  const anthropic = emptyFacts();
  const usage = { input_tokens: 10, cache_read_input_tokens: 4, cache_creation_input_tokens: 2, output_tokens: 7 };
  readWhole('messages', { content: [], usage }, anthropic);
  // Anthropic counts what was cached beside the input.
  expect(anthropic).toMatchObject({ inputTokens: 16, cachedInputTokens: 4, outputTokens: 7 });
});

test('an id that no path can carry is none', () => {
  const idOf = (id: unknown): string | null => {
    const facts = emptyFacts();
    readWhole('responses', { id, status: 'queued', output: [] }, facts);
    return facts.id;
  };
  expect(['resp_1', '\ud83e\uddc0', 'resp_\ud800', '\udc00', '', 'x'.repeat(501), 7].map(idOf)).toEqual([
    'resp_1',
    '\ud83e\uddc0',
    ...[null, null, null, null, null],
  ]);
});

test('arguments of tool calls come together from their pieces, each with its own', () => {
  const facts = emptyFacts();
  const send = (calls: object[]) =>
    readEvent('chat', JSON.stringify({ choices: [{ delta: { tool_calls: calls } }] }), facts);
  send([{ index: 0, function: { name: 'a', arguments: '' } }]);
  send([{ index: 1, function: { name: 'b', arguments: '{"y"' } }]);
  send([{ index: 0, function: { arguments: '{"x":1}' } }]);
  send([{ index: 1, function: { arguments: ':2}' } }]);
  expect(facts.toolCalls).toMatchObject([
    { name: 'a', arguments: '{"x":1}' },
    { name: 'b', arguments: '{"y":2}' },
  ]);
});

test('an error event says its own word and nothing of its message', () => {
  const event = { error: { type: 'overloaded_error', message: 'you said: my secret' } };
  expect(readEvent('messages', JSON.stringify(event), emptyFacts()).failure).toBe(
    'the error overloaded_error in its stream',
  );
  expect(readEvent('chat', '{"error":{"type":"my secret words"}}', emptyFacts()).failure).toBe(
    'an error in its stream',
  );
});

const called = (more: object, id?: string) =>
  JSON.stringify({ choices: [{ delta: { tool_calls: [{ index: 0, id, function: more }] } }] });

test('a name that comes with every piece costs no second look at what came before', () => {
  const facts = emptyFacts();
  const [parse, parsed] = [JSON.parse, { chars: 0 }];
  const watched = jest.spyOn(JSON, 'parse').mockImplementation((text: string) => {
    parsed.chars += text.length;
    return parse(text);
  });
  const pieces = ['{"list":[', ...Array.from({ length: 2_000 }, () => '"}]{",'), '0]}'].map((piece) =>
    called({ name: 'f', arguments: piece }),
  );
  for (const piece of pieces) readEvent('chat', piece, facts);
  watched.mockRestore();
  expect(parsed.chars).toBe(pieces.join('').length);
  expect(facts.toolCalls).toMatchObject([{ name: 'f', isCut: false }]);
  // It is whole: what comes now with the same name is another call.
  readEvent('chat', called({ name: 'f', arguments: '{}' }), facts);
  expect(facts.toolCalls).toMatchObject([{}, { arguments: '{}' }]);
});

test('of what tools are called with no more is kept than of text, however many calls there are', () => {
  const facts = emptyFacts();
  const long = 'x'.repeat(100_000);
  for (let id = 0; id < 10; id++) readEvent('chat', called({ name: 'f', arguments: long }, `c${id}`), facts);
  readEvent('chat', called({ name: 'f', arguments: '{}' }, 'last'), facts);
  const kept = facts.toolCalls.map(({ arguments: args, isCut }) => [String(args).length, isCut]);
  expect(kept).toEqual([[100_000, false], [100_000, false], ...Array(8).fill([0, true]), [2, false]]);
});
