import { formatLogLine } from '../../bin/drive/format-log-line';

const line = JSON.stringify({
  level: 'warn',
  time: '2026-01-02T03:04:05.678Z',
  process: 'route-intake',
  service: 'route-intake',
  topic: 'route.requested',
  offsets: [1, 2],
  error: { type: 'Error', message: 'gone', stack: 'Error: gone\n  at' },
  msg: 'a transient failure is tried again',
});

test('a log line reads: time, who, level, message, reason, facts', () => {
  expect(formatLogLine('route-intake-0', line, { color: false })).toBe(
    '03:04:05.678 route-intake-0       warn  a transient failure is tried again: gone topic=route.requested offsets=[1,2]',
  );
});

test('what is not a log line passes as it is', () => {
  expect(formatLogLine('gateway-0', 'node: bad option', { color: false })).toBe(
    'gateway-0            node: bad option',
  );
  expect(formatLogLine('gateway-0', '{torn', { color: false })).toBe('gateway-0            {torn');
});

test('colours are for terminals', () => {
  const colored = formatLogLine('gateway-0', line, { color: true });
  expect(colored).toContain('\u001b[33mwarn \u001b[0m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(formatLogLine('gateway-0', line, { color: false }));
});
