import { terminalText } from '../../../lib/terminal/terminal-text';

test('what a terminal would obey is shown as something that cannot be', () => {
  expect(terminalText('a\u001b]0;title\u0007b')).toBe('a\ufffd]0;title\ufffdb');
  expect(terminalText('\u001b[2J\u001b[H\u009b31m\u007f')).toBe('\ufffd[2J\ufffd[H\ufffd31m\ufffd');
  expect(terminalText('fine\rgone')).toBe('fine\ufffdgone');
  expect(terminalText('\u202egnp.exe')).toBe('\ufffdgnp.exe');
});

test('lines, tabs, colours and a line that is written anew pass', () => {
  const own = ['a\nb\r\n\tc', '\r\u001b[2K12 decided', '\u001b[36mname\u001b[0m \u001b[1;31mx\u001b[0m', 'ünïcode 🎉'];
  for (const text of own) expect(terminalText(text)).toBe(text);
});
