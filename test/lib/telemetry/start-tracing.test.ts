import { trace } from '@opentelemetry/api';
import { serviceNameOf, startTracing } from '../../../lib/telemetry/start-tracing';
import { tracer } from '../../../lib/telemetry/tracing';

test.each([
  ['/app/dist/services/route-intake/main.js', 'route-intake'],
  ['/app/dist/bin/main.js', 'quantum-router'],
  ['/app/bin/quantum-router', 'quantum-router'],
  ['', 'quantum-router'],
])('the process of %s is called %s', (script, name) => {
  expect(serviceNameOf(script)).toBe(name);
});

test('starts the SDK, and ends it', async () => {
  // The SDK reads the rest from the process, where nothing is set: no span may leave this test.
  const end = startTracing({ OTEL_SERVICE_NAME: 'test' }, '/app/dist/bin/main.js');
  expect(tracer.startSpan('first').isRecording()).toBe(true);
  trace.disable();
  await end();
});
