import { judgeNextTurn, wordsOf } from '../../../../../services/gateway/doors/judges/judge-next-turn';
import { createNextTurnWatch } from '../../../../../services/gateway/doors/judges/watch-next-turn';
import { decisionOf } from '../../start-gateway';

const asked = 'How do I sort a list of dates in Python?';
const turnOf = (text: string): string => judgeNextTurn(wordsOf(asked), wordsOf(text), text);

test.each([
  ['How do I sort a list of dates in Python', 'repeated'],
  ['how do I sort a LIST of dates, in python?!', 'repeated'],
  ['How can I sort a list of dates in Python code?', 'rephrased'],
  ["That's wrong, they are strings.", 'corrected'],
  ['No, I meant descending.', 'corrected'],
  ['It does not work: TypeError.', 'corrected'],
  ['Thanks! And how do I write them to a file?', 'thanked'],
  ['And now write a haiku about autumn leaves.', 'moved-on'],
  ['What is right about the wrong answer of the oracle?', 'moved-on'],
  ['', 'moved-on'],
  ['more', 'moved-on'],
])('%s: %s', (text, turn) => {
  expect(turnOf(text)).toBe(turn);
});

describe('a conversation', () => {
  const answer = 'Use sorted() with a key that parses each of them.';
  const decision = decisionOf({ requestId: 'd' } as Parameters<typeof decisionOf>[0]);
  const user = (content: string) => ({ role: 'user', content });
  const assistant = (content: string) => ({ role: 'assistant', content });
  const watchWith = (maxRemembered: number) => createNextTurnWatch({ key: 'secret', maxRemembered });

  test('that goes on from an answer judges it, once', () => {
    const watch = watchWith(10);
    watch.remember([user(asked)], answer, { decision, model: 'm' });
    const next = [user(asked), assistant(` ${answer}\n`), user('That is wrong.')];
    expect(watch.observe(next)).toEqual({ decision, model: 'm', turn: 'corrected' });
    expect(watch.observe(next)).toBeNull();
  });

  test('of somebody else, the same question again without the answer, or a tool that answers, say nothing', () => {
    const watch = watchWith(10);
    watch.remember([user(asked)], answer, { decision, model: 'm' });
    for (const messages of [
      [user(asked)],
      [user(asked), assistant('Another answer, of another model.'), user('no, wrong')],
      [user('Another question?'), assistant(answer), user('no, wrong')],
      [user(asked), assistant(answer), { role: 'tool', content: 'no, wrong' }],
      [assistant(answer), user('no, wrong')],
      [],
    ])
      expect(watch.observe(messages)).toBeNull();
  });

  test('is forgotten where others have come since, and too short an answer is not remembered', () => {
    const watch = watchWith(1);
    watch.remember([user(asked)], answer, { decision, model: 'm' });
    watch.remember([user('More?')], `${answer} Or so.`, { decision, model: 'm' });
    expect(watch.observe([user(asked), assistant(answer), user('wrong')])).toBeNull();
    watch.remember([user(asked)], 'Yes.', { decision, model: 'm' });
    expect(watch.observe([user(asked), assistant('Yes.'), user('wrong')])).toBeNull();
  });

  test.each([
    ['How can I sort a LIST of dates in Python code?', 'rephrased'],
    ['How can I sort a list of dates in Python, café?', 'rephrased'],
    ['how do I sort a list of dates in python', 'repeated'],
    ['And now something about the café?', 'moved-on'],
  ])('words are the same in whatever text they stand: %s', (next, turn) => {
    const watch = watchWith(10);
    watch.remember([user(asked)], answer, { decision, model: 'm' });
    expect(watch.observe([user(asked), assistant(answer.replaceAll(' ', '\n  ')), user(next)])).toMatchObject({ turn });
  });

  test('of two thousand words is known by its first', () => {
    const watch = watchWith(10);
    const long = 'word and '.repeat(1_000);
    watch.remember([user(long)], answer, { decision, model: 'm' });
    expect(watch.observe([user(`${long}more`), assistant(answer), user('Thanks!')])).toMatchObject({ turn: 'thanked' });
  });

  test.each([
    [
      'Wie sortiere ich eine Liste von Büchern nach Größe?',
      'WIE sortiere ich eine Liste von BÜCHERN nach Größe',
      'repeated',
    ],
    ['Как отсортировать список дат в Python?', 'как отсортировать СПИСОК дат, в Python?!', 'repeated'],
    [
      'Wie sortiere ich eine Liste von Büchern nach Größe?',
      'Wie sortiere ich die Liste von Büchern nach Größe?',
      'rephrased',
    ],
    ['如何 排序 列表 日期 𝒜𝒷𝒸', '如何 排序 列表 日期 𝒜𝒷𝒸', 'repeated'],
    ['Wie sortiere ich eine Liste von Büchern nach Größe?', 'Und jetzt ein Gedicht über Bäume!', 'moved-on'],
  ])('in another language: %s, then %s', (first, next, turn) => {
    const watch = watchWith(10);
    watch.remember([user(first)], answer, { decision, model: 'm' });
    expect(watch.observe([user(first), assistant(answer), user(next)])).toMatchObject({ turn });
  });
});
