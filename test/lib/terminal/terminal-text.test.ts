import { formatLogLine } from '../../../bin/drive/format-log-line';
import { createPaint } from '../../../lib/terminal/paint';
import { terminalText } from '../../../lib/terminal/terminal-text';

test('what a terminal would obey is shown as something that cannot be', () => {
  expect(terminalText('a\u001b]0;title\u0007b')).toBe('a\ufffd]0;title\ufffdb');
  expect(terminalText('\u001b[2J\u001b[H\u009b31m\u007f')).toBe('\ufffd[2J\ufffd[H\ufffd31m\ufffd');
  expect(terminalText('fine\rgone')).toBe('fine\ufffdgone');
  expect(terminalText('\u202egnp.exe')).toBe('\ufffdgnp.exe');
});

test('lines, tabs, colours and a line that is written anew pass', () => {
  const own = ['a\nb\r\n\tc', '\r\u001b[2K12 decided', '\r12 decided', 'ünïcode 🎉'];
  for (const text of own) expect(terminalText(text)).toBe(text);
  const paint = createPaint(true);
  const painted = (['strong', 'faint', 'good', 'warn', 'bad'] as const).map((tone) => paint(tone, tone));
  const lines = ['debug', 'warn', 'error'].flatMap((level) =>
    [...'abcdefg'].map((name) => formatLogLine(name, JSON.stringify({ level, msg: 'x', at: 1 }), { color: true })),
  );
  for (const text of [...painted, ...lines]) expect(terminalText(text)).toBe(text);
});

test.each([
  ['erases what stands before it', 'fine\u001b[1Kbad', 'fine\ufffd[1Kbad'],
  ['erases its line', 'fine\u001b[2Kbad', 'fine\ufffd[2Kbad'],
  ['starts over in the middle', 'fine\r\u001b[2Kbad', 'fine\ufffdbad'],
  ['is concealed', '\u001b[8mbad', '\ufffd[8mbad'],
  ['is black on black', '\u001b[30;40mbad', '\ufffd[30;40mbad'],
])('a text that %s hides nothing', (_, text, shown) => {
  expect(terminalText(text)).toBe(shown);
});
