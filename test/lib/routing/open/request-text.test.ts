import { estimateTokens, lastAsked, requestText, textBytes } from '../../../../lib/routing/open/request-text';
import { requestOf } from '../fixtures';

const conversation = requestOf({
  prompt: null,
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'hé' },
    { role: 'assistant', content: 'yes?' },
  ],
});

test('the text is the prompt or the turns joined by line breaks', () => {
  expect(requestText(requestOf({ prompt: 'a' }))).toBe('a');
  expect(requestText(conversation)).toBe('be brief\nhé\nyes?');
  expect(requestText({ prompt: null, messages: [{ role: 'user', content: 'one' }] })).toBe('one');
  expect(requestText(requestOf({ prompt: null, features: Buffer.alloc(4) }))).toBeNull();
});

test('what was asked last is the last turn of the user, else everything', () => {
  expect(lastAsked(conversation)).toBe('hé');
  expect(lastAsked({ prompt: null, messages: [{ role: 'tool', content: 'x' }] })).toBe('x');
  expect(lastAsked(requestOf({ prompt: 'a' }))).toBe('a');
});

test('bytes are UTF-8 and tokens a quarter of them', () => {
  expect(textBytes(conversation)).toBe(8 + 3 + 4);
  expect(textBytes(requestOf({ prompt: '翻译' }))).toBe(6);
  expect(estimateTokens(9)).toBe(3);
  expect(estimateTokens(0)).toBe(1);
});
