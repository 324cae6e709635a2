import { createLog } from '../../../lib/telemetry/log';

function collecting() {
  const lines: Record<string, unknown>[] = [];
  return {
    lines,
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  };
}

test('lines are JSON with level, message, fields and the time of the given clock', () => {
  const { lines, destination } = collecting();
  const log = createLog({ level: 'debug', nowMs: () => Date.UTC(2024, 0, 2, 3, 4, 5, 6), destination });
  log.debug('a', { partition: 1 });
  log.info('b');
  log.warn('c', { topic: 't' });
  log.error('d');
  const time = '2024-01-02T03:04:05.006Z';
  expect(lines).toEqual([
    { level: 'debug', time, partition: 1, msg: 'a' },
    { level: 'info', time, msg: 'b' },
    { level: 'warn', time, topic: 't', msg: 'c' },
    { level: 'error', time, msg: 'd' },
  ]);
});

test('the level holds back what is below it', () => {
  const { lines, destination } = collecting();
  const log = createLog({ level: 'warn', destination });
  log.info('quiet');
  log.debug('quiet');
  log.warn('loud');
  expect(lines).toEqual([{ level: 'warn', msg: 'loud' }]);
});

test('a child carries its fields', () => {
  const { lines, destination } = collecting();
  const log = createLog({ level: 'info', destination }).child({ service: 'toy' });
  log.child({ partition: 2 }).info('a', { offset: 3 });
  expect(lines).toEqual([{ level: 'info', service: 'toy', partition: 2, offset: 3, msg: 'a' }]);
});

test('errors come with message, stack and cause', () => {
  const { lines, destination } = collecting();
  const error = new Error('outer', { cause: new Error('inner') });
  createLog({ level: 'info', destination }).error('failed', { error });
  const logged = lines[0]!['error'] as { message: string; stack: string; type: string };
  expect(logged.type).toBe('Error');
  expect(logged.message).toMatch(/^outer/);
  expect(logged.stack).toContain('inner');
});
