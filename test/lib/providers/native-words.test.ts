/** Bodies of chat that are unusual and right, put into the words of Anthropic and Gemini, or refused by the name of what has no word. */
import { anthropicCannot, toAnthropic } from '../../../lib/providers/anthropic/to-anthropic';
import { geminiCannot, toGemini } from '../../../lib/providers/gemini/to-gemini';

const hi = { role: 'user', content: 'hi' };
const sentBy = { anthropic: toAnthropic, gemini: (body: object) => toGemini({ ...body }) };
const faultOf = { anthropic: anthropicCannot, gemini: geminiCannot };
type Kind = keyof typeof sentBy;

test.each(['anthropic', 'gemini'] as const)('%s: what is refused there when nothing is in it is left out', (kind) => {
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '' } };
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'text', text: '' },
        { type: 'text', text: 'hi' },
      ],
    },
    { role: 'assistant', content: '' },
    { role: 'user', content: '' },
    { role: 'assistant', content: kind === 'anthropic' ? '\n\n' : '', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c1', content: '' },
  ];
  const sent = kind === 'anthropic' ? toAnthropic({ messages }) : toGemini({ messages });
  expect('prompt' in sent ? sent.prompt : sent['messages']).toMatchObject([
    { role: 'user', content: [{ type: 'text', text: 'hi' }] },
    { role: 'assistant', content: [{ type: kind === 'anthropic' ? 'tool_use' : 'tool-call' }] },
    {
      role: kind === 'anthropic' ? 'user' : 'tool',
      content: [{ type: kind === 'anthropic' ? 'tool_result' : 'tool-result' }],
    },
  ]);
});

test('where nothing but instructions is sent, the last one is what the user says', () => {
  const messages = [
    { role: 'developer', content: 'Be kind.' },
    { role: 'system', content: 'Say hello.' },
  ];
  expect(toAnthropic({ messages })).toMatchObject({
    system: [{ text: 'Be kind.' }],
    messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }],
  });
  expect(toGemini({ messages }).prompt).toMatchObject([
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: [{ text: 'Say hello.' }] },
  ]);
});

test('a schema that a tool is held to is one that Anthropic takes, and that of any other tool stays', () => {
  const parameters = { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } };
  const tools = [true, false].map((strict) => ({ type: 'function', function: { name: 'f', parameters, strict } }));
  expect(toAnthropic({ messages: [hi], tools })['tools']).toMatchObject([
    { strict: true, input_schema: { additionalProperties: false, properties: { a: { description: '{minimum: 1}' } } } },
    { input_schema: parameters },
  ]);
});

const file = { type: 'file', file: { file_id: 'file_1' } };
test.each<[Kind, object, string]>([
  ['anthropic', { stop: ['END', '\n'] }, 'stop'],
  [
    'gemini',
    { messages: [hi, { role: 'user', content: [{ type: 'text', text: 'read' }, file] }] },
    'messages[1].content[1]',
  ],
  ['anthropic', { messages: [{ role: 'user', content: [file] }] }, 'messages[0].content[0]'],
  [
    'gemini',
    { messages: [{ role: 'user', content: [{ type: 'video_url', video_url: { url: 'https://x.y/z' } }] }] },
    'messages[0].content[0]',
  ],
  [
    'gemini',
    { messages: [{ role: 'tool', content: [{ type: 'image_url', image_url: { url: 'https://x.y/z' } }] }] },
    'messages[0].content[0]',
  ],
  ['gemini', { tool_choice: { type: 'allowed_tools', allowed_tools: {} } }, 'tool_choice.type'],
])('%s has no word for %j, and nothing of it is left out unsaid', (kind, body, field) => {
  expect(faultOf[kind]({ messages: [hi], ...body })).toMatchObject({ field });
});

test.each(['anthropic', 'gemini'] as const)('%s has words for all of this', (kind) => {
  const body = {
    messages: [
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
          { type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      hi,
    ],
    ...{
      stop: ['a', 'b', 'c', 'd'],
      max_completion_tokens: 5,
      reasoning_effort: 'minimal',
      parallel_tool_calls: false,
    },
    ...{ seed: 1, metadata: { a: 'b' }, service_tier: 'flex', logit_bias: {}, n: 1, logprobs: false, user: 'u' },
    tools: [{ type: 'function', function: { name: 'f' } }],
    tool_choice: { type: 'function', function: { name: 'f' } },
  };
  expect(faultOf[kind](body)).toBeNull();
  expect(JSON.stringify(sentBy[kind](body))).toContain('No.');
});

const seen = (url: string) => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
const read = (file_data: string) => ({
  messages: [{ role: 'user', content: [{ type: 'file', file: { file_data } }] }],
});

test.each([
  ['data:image/png;base64,AAAA', 'image/png', 'AAAA'],
  ['DATA:Image/PNG;BASE64,AAAA', 'image/png', 'AAAA'],
  ['data:image/png;charset=utf-8;base64,AAAA', 'image/png', 'AAAA'],
  ['data:image/png;base64,AAA%2FAA%3D%3D', 'image/png', 'AAA/AA=='],
  ['data:image/gif,GIF89a%3B', 'image/gif', Buffer.from('GIF89a;').toString('base64')],
])('a picture in its own address is sent as what it is: %s', (url, mediaType, data) => {
  expect(toGemini(seen(url)).prompt).toMatchObject([{ content: [{ type: 'file', mediaType, data }] }]);
  expect(toAnthropic(seen(url))).toMatchObject({
    messages: [{ content: [{ type: 'image', source: { type: 'base64', media_type: mediaType, data } }] }],
  });
});

test.each([
  'data:;base64,AAAA',
  'data:image/png',
  'data:image/png,%E0%A4',
  'data:image/png;base64,%E0%A4',
  'file:///etc/passwd',
  'javascript:1',
  'a.png',
])('an address that nobody there can fetch is said to be one, not left out: %s', (url) => {
  for (const cannot of [anthropicCannot, geminiCannot])
    expect(cannot(seen(url))).toMatchObject({ field: 'messages[0].content[0]' });
});

test.each([
  ['a picture as a drawing', seen('data:image/svg+xml,%3Csvg/%3E')],
  ['a picture as a document', seen('data:application/pdf;base64,AAAA')],
  ['a document as a text', read('data:text/plain,hello')],
  ['a document as a picture', read('data:image/png;base64,AAAA')],
])('what Anthropic takes in no such form is refused by its place, before it is sent: %s', (_, body) => {
  expect(anthropicCannot(body)).toMatchObject({ field: 'messages[0].content[0]' });
});

test('a drawing goes to Gemini as what it is', () => {
  const data = Buffer.from('<svg/>').toString('base64');
  expect(toGemini(seen('data:image/svg+xml,%3Csvg/%3E')).prompt).toMatchObject([
    { content: [{ type: 'file', mediaType: 'image/svg+xml', data }] },
  ]);
});
