/** How long the event loop makes requests wait, as a metric. It is the machine's time, so it is only ever reported. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '../../lib/telemetry/metrics';

const resolutionMs = 10;
const percentiles = [50, 95, 99] as const;

/** Sets the percentiles since the last scrape at every scrape. The returned function ends it. */
export function watchEventLoop(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  metrics.onCollect(() => {
    for (const percentile of percentiles) {
      // The histogram counts the timer's own interval in.
      const delaySeconds = Math.max(0, delay.percentile(percentile) / 1e9 - resolutionMs / 1_000);
      metrics.set('quantum_router_event_loop_delay_seconds', { percentile: String(percentile) }, delaySeconds);
    }
    delay.reset();
  });
  return () => delay.disable();
}
