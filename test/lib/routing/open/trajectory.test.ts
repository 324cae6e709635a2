import { trajectoryOf } from '../../../../lib/routing/open/trajectory';
import type { Message } from '../../../../lib/topics/generated/messages';

const turn = (role: string, content: string): Message => ({ role, content });
const user = (text: string) => turn('user', text);
const tool = (text: string) => turn('tool', text);
const assistant = (text: string) => turn('assistant', text);
const smooth = { failuresInARow: 0, sameFailures: 0, stalls: 0, compacted: false, housekeeping: false };

test('nothing is known of a prompt, and nothing wrong with a talk', () => {
  expect(trajectoryOf([])).toEqual(smooth);
  expect(trajectoryOf([user('Hi'), assistant('Hello'), user('What is an error in logic?')])).toEqual(smooth);
});

test.each([
  'Error: ENOENT',
  'Traceback (most recent call last):\n  File "x.py"',
  'ran\nValueError: bad',
  'Process exited with code 2',
  '{"is_error": true}',
  '{"error": {"message": "no"}}',
  'bash: foo: command not found',
  'cat: a: No such file or directory',
  'Tests: 3 failed, 12 passed',
  'HTTP 503',
])('a tool that says %j has failed', (text) => {
  expect(trajectoryOf([user('do it'), tool(text)])).toMatchObject({ failuresInARow: 1, sameFailures: 1 });
});

test.each([
  '12 passed, 0 failed',
  'exit code 0',
  '{"error": null}',
  'status 200',
  'src/errors.ts',
  '3 errands done',
  '',
])('a tool that says %j has not', (text) => {
  expect(trajectoryOf([user('do it'), tool(text)])).toEqual(smooth);
});

test('failures are counted from the newest back to the last success or word of the user; the same ones whatever their numbers', () => {
  const failed = [tool('Error: 17 at 0x3f'), assistant(''), tool('Error: 18 at 0x4f'), assistant('again')];
  expect(trajectoryOf([user('go'), tool('Error: other'), ...failed])).toMatchObject({
    failuresInARow: 3,
    sameFailures: 2,
  });
  expect(trajectoryOf([user('go'), tool('fine'), ...failed])).toMatchObject({ failuresInARow: 2, sameFailures: 2 });
  expect(trajectoryOf([user('go'), ...failed, user('try it otherwise')])).toMatchObject({ failuresInARow: 0 });
  // Answers of tools in the form of Anthropic's messages are turns of the user without text.
  expect(trajectoryOf([user('go'), ...failed, user('')])).toMatchObject({ failuresInARow: 2 });
});

test('an assistant that says the same again stalls', () => {
  const said = [assistant('Let me look at 3 files.'), tool('ok'), assistant('Let me look at 4 files.'), tool('ok')];
  expect(trajectoryOf([user('go'), ...said])).toMatchObject({ stalls: 1 });
  expect(trajectoryOf([user('go'), ...said, assistant('Done.')])).toMatchObject({ stalls: 0 });
});

test('a tool that answers the same for the third time in a row stalls', () => {
  const same = [assistant(''), tool('No matches found.')];
  expect(trajectoryOf([user('go'), ...same, ...same])).toMatchObject({ stalls: 0 });
  expect(trajectoryOf([user('go'), ...same, ...same, ...same])).toMatchObject({ stalls: 1, failuresInARow: 0 });
  expect(trajectoryOf([user('go'), ...same, tool('a.ts:1'), ...same, ...same])).toMatchObject({ stalls: 0 });
  expect(trajectoryOf([user('go'), ...same, ...same, user('look elsewhere'), ...same])).toMatchObject({ stalls: 0 });
  // What has no text (pictures, say) may differ.
  expect(trajectoryOf([user('go'), tool(''), tool(''), tool(''), tool('')])).toMatchObject({ stalls: 0 });
});

test('a past that was replaced by a summary', () => {
  const cut = user('This session is being continued from a previous conversation that ran out of context.');
  expect(trajectoryOf([cut, assistant('I go on.')])).toMatchObject({ compacted: true });
  expect(trajectoryOf([user('Go on with the previous conversation.')])).toMatchObject({ compacted: false });
});

test.each([
  [[turn('system', 'Please write a 5-10 word title for the following conversation:'), user('Hi')], true],
  [[user('### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history')], true],
  [[user('Summarize this conversation in a few words.')], true],
  [[user('Suggest 3-5 relevant follow-up questions that the user might ask next in this conversation')], true],
  [[user('Give me a title for my essay on bees.')], false],
  [[user('What did the conversation of Plato with Dion tell?')], false],
  [[user(`Generate a title for this conversation. ${'And then mend all of it. '.repeat(400)}`)], false],
] as const)('housekeeping: %j', (messages, expected) => {
  expect(trajectoryOf(messages).housekeeping).toBe(expected);
});

test('a long conversation of long turns is read in no time that depends on what stands in the middle', () => {
  const long = `${'a'.repeat(1_000)}Error: ${'\n'.repeat(100_000)}${'b'.repeat(1_000)}`;
  expect(trajectoryOf(Array.from({ length: 500 }, (_, index) => tool(`${index}${long}`)))).toEqual(smooth);
});
