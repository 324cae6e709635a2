import { messageSchema, readConversation } from '../../../../services/gateway/http/read-conversation';

const read = (...messages: unknown[]) => readConversation(messages.map((message) => messageSchema.parse(message)));
const nothing = { images: 0, audio: 0, files: 0, toolCalls: 0, toolResults: 0, other: 0 };

test('text stays as it is', () => {
  expect(read({ role: 'system', content: 'be brief' }, { role: 'user', content: 'hi', name: 'Ann' })).toEqual({
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hi' },
    ],
    holds: null,
  });
});

test('parts of text are joined, everything else is counted', () => {
  const content = [
    { type: 'text', text: 'what is on it?', cache_control: { type: 'ephemeral' } },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    { type: 'input_text', text: 'and on this?' },
    { type: 'input_image' },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    { type: 'file', file: { file_id: 'f' } },
    { type: 'constructor' },
  ];
  expect(read({ role: 'user', content })).toEqual({
    messages: [{ role: 'user', content: 'what is on it?\nand on this?' }],
    holds: { ...nothing, images: 2, audio: 1, files: 1, other: 1 },
  });
});

test('tool calls with null content, and their answers', () => {
  const { messages, holds } = read(
    { role: 'developer', content: 'use tools' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f' } }] },
    { role: 'tool', tool_call_id: 'c1', content: '42' },
    { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
    { role: 'function', name: 'f' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'c2', name: 'f', input: {} }] },
  );
  expect(messages.map((message) => message.content)).toEqual(['use tools', '', '42', '', '', '']);
  expect(holds).toEqual({ ...nothing, toolCalls: 3, toolResults: 2 });
});

test.each<[string, unknown]>([
  ['a number as content', { role: 'user', content: 1 }],
  ['a part without a type', { role: 'user', content: [{ text: 'a' }] }],
  ['a role nobody has', { role: 'robot', content: 'a' }],
])('%s is refused', (_name, message) => {
  expect(messageSchema.safeParse(message).success).toBe(false);
});

test('answers of tools that are parts of a turn become turns of their own, and failures say so', () => {
  const { messages, holds } = read(
    { role: 'user', content: 'What is on the disk?' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'ls', input: { path: '/' } }] },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c', is_error: true, content: 'ls: no such thing' },
        {
          type: 'tool_result',
          tool_use_id: 'd',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image', source: {} },
          ],
        },
        { type: 'tool_result', tool_use_id: 'e' },
        { type: 'text', text: 'And now?' },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'f', content: 'b' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I have searched.' },
        {
          type: 'web_search_tool_result',
          content: { type: 'web_search_tool_result_error', error_code: 'unavailable' },
        },
      ],
    },
  );
  expect(messages).toEqual([
    { role: 'user', content: 'What is on the disk?' },
    { role: 'assistant', content: '' },
    { role: 'tool', content: '{"is_error": true}\nls: no such thing' },
    { role: 'tool', content: 'a' },
    { role: 'tool', content: '' },
    { role: 'user', content: 'And now?' },
    { role: 'tool', content: 'b' },
    { role: 'assistant', content: 'I have searched.' },
    { role: 'tool', content: '{"is_error": true}' },
  ]);
  expect(holds).toEqual({ ...nothing, images: 1, toolCalls: 1, toolResults: 5, other: 1 });
});

test('of more turns than a request may have the newest stay', () => {
  const content = Array.from({ length: 7_000 }, (_, index) => ({ type: 'tool_result', content: String(index) }));
  const { messages } = read({ role: 'user', content }, { role: 'user', content });
  expect([messages.length, messages[0]!.content, messages.at(-1)!.content]).toEqual([10_000, '4000', '6999']);
});
