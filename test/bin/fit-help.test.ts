import { fitHelp } from '../../bin/fit-help';

test('prose goes on in the next line, an example with a backslash and never within quotes', () => {
  const text = `Some words of prose that are long.\n  $ tool --first one --second 'two words' --third\n`;
  expect(fitHelp(text, 24)).toBe(
    [
      'Some words of prose that',
      'are long.',
      '  $ tool --first one \\',
      '      --second \\',
      "      'two words' \\",
      '      --third',
      '',
    ].join('\n'),
  );
  expect(fitHelp(text, 80)).toBe(text);
});

test('an example without a place to break stays as it is', () => {
  expect(fitHelp(`  $ x '${'long '.repeat(9)}'`, 20)).toBe(`  $ x '${'long '.repeat(9)}'`);
});
