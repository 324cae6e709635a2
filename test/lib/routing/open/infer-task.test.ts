import fc from 'fast-check';
import { inferTask, taskTypes } from '../../../../lib/routing/open/infer-task';

test.each([
  ['code', 'Write a Python function that reverses a list:\n```python\ndef reverse(xs):\n```'],
  ['code', 'Why does this SQL query return no rows? SELECT * FROM users; I think it is a bug'],
  ['math', 'Solve the equation $x^2 + 3x = 4$ for x.'],
  ['math', '计算下面的方程 3 + 4 = ?'],
  ['translation', 'Übersetze den folgenden Satz ins Französische: Guten Morgen'],
  ['translation', 'Please translate this into Japanese.'],
  ['extraction', 'Extract the named entities from this passage and summarize it.'],
  ['reasoning', 'Why would that be? Think step by step about this logic puzzle.'],
  ['writing', 'Write a short story about a lighthouse. Rewrite it in a formal tone.'],
  ['qa', 'Who is the president of Ghana, and when was he born?'],
  ['code', 'Почему этот код на C++ медленный?'],
  ['code', 'What does x => x.map(f).join() mean when\nfoo(a == b);\nbar() {\n}'],
  ['math', 'Janet has 16 eggs and sells 9 of them. How many are left?'],
  ['reasoning', 'Answer with the letter only.\nA. a novel\nB. a song\nC. a poem of Keats\nD. a story'],
  ['reasoning', 'Pick one: (a) all birds (b) no birds (c) some birds, if any'],
  ['writing', 'Напиши стихи о море'],
  ['qa', 'who sang the theme of the film'],
  ['general', 'hello there'],
])('%s: %s', (type, text) => {
  expect(inferTask(null, text)).toBe(type);
});

test('a hint is kept as it is, cut to 64 characters; an empty one counts as none', () => {
  expect(inferTask('legal-Review', 'def f(): return 1')).toBe('legal-Review');
  expect(inferTask('x'.repeat(100), null)).toHaveLength(64);
  expect(inferTask('  ', 'translate this')).toBe('translation');
});

test('no text is general', () => {
  expect(inferTask(null, null)).toBe('general');
  expect(inferTask(null, '')).toBe('general');
});

test('only head and tail of a long text are looked at, and the tail counts', () => {
  expect(inferTask(null, `${'lorem ipsum '.repeat(50_000)} translate this`)).toBe('translation');
});

test('any text gives one of the documented types', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => expect(taskTypes).toContain(inferTask(null, text))));
});

test.each([
  ['ПЕРЕВЕДИ это', 'translation'],
  ['ÜBERSETZE das', 'translation'],
  ['\u212aOTLIN', 'code'], // the sign of the unit kelvin, whose small letter is an ordinary k
  ['ΣΊΣΥΦΟΣ, SOLVE', 'math'],
  ['“İstanbul”… TRADUIS', 'translation'],
])('capitals of every script are small letters: %s', (text, type) => {
  expect(inferTask(null, text)).toBe(type);
  expect(inferTask(null, `${'.'.repeat(720)} ${text}${' '.repeat(250)}`)).toBe(type);
});

test('law: a text says in capitals what it says in small letters', () => {
  const word = fc.oneof(
    fc.constantFrom('solve', 'перевод', 'función', 'écris', 'Kotlin', 'где'),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      const text = words.join(' ').slice(0, 450);
      expect(inferTask(null, text)).toBe(inferTask(null, text.toLowerCase()));
    }),
  );
});
