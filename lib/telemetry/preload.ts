/**
 * `node --require dist/lib/telemetry/preload.js …` switches traces and pushed metrics on where the environment asks for it (see
 * docs/observability.md), and loads nothing where it does not.
 */
import { isMainThread } from 'node:worker_threads';
import { wantsMetrics, wantsTracing } from './wants-tracing';

// Worker threads inherit `--require`: the trainer's has nothing to trace.
if (isMainThread && (wantsTracing(process.env) || wantsMetrics(process.env))) {
  const { startTracing } = require('./start-tracing') as typeof import('./start-tracing');
  startTracing(process.env, process.argv[1] ?? '');
}
