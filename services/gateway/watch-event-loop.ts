/** How long the event loop makes requests wait, as a metric. It is the machine's time, so it is only ever reported. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '../../lib/telemetry/metrics';

/** The process wakes up so often to look, which is most of what an idle one does: every 10 ms took a third of a percent of a core. */
const resolutionMs = 100;
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
