import { EventEmitter } from 'node:events';
import { createMetrics } from '../../lib/telemetry/metrics';
import { guardProcess } from '../../services/guard-process';

function guarded() {
  const emitter = new EventEmitter();
  const metrics = createMetrics();
  const said: string[] = [];
  const fatal: Error[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (message: string, facts?: { error?: Error }) => said.push(`${message}: ${facts?.error?.message}`),
    child: () => log,
  };
  const unguard = guardProcess({ log: log as never, metrics, onFatal: (error) => fatal.push(error) }, emitter);
  const count = (kind: string) => metrics.value('quantum_router_unhandled_errors_total', { kind });
  return { emitter, said, fatal, unguard, count };
}

test('a rejection that nobody waits for is logged and counted, and ends nothing', async () => {
  const { emitter, said, fatal, count } = guarded();
  emitter.emit('unhandledRejection', new Error('lost'));
  emitter.emit('unhandledRejection', 'no error at all');
  expect(said).toEqual([
    'a promise was rejected and nothing waited for it: lost',
    'a promise was rejected and nothing waited for it: no error at all',
  ]);
  expect(await count('rejection')).toBe(2);
  expect(fatal).toEqual([]);
});

test('an exception stops the process in good order', async () => {
  const { emitter, fatal, count } = guarded();
  emitter.emit('uncaughtException', new Error('torn'));
  expect(fatal.map((error) => error.message)).toEqual(['torn']);
  expect(await count('exception')).toBe(1);
});

test('a guard that was taken off does nothing', () => {
  const { emitter, said, unguard } = guarded();
  unguard();
  emitter.emit('unhandledRejection', new Error('lost'));
  expect([emitter.listenerCount('unhandledRejection'), emitter.listenerCount('uncaughtException'), said]).toEqual([
    0,
    0,
    [],
  ]);
});
