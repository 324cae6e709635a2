/** The declaration of experiments: what their requests were exposed to and what came of it in, how each stands out. */
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import { definitionOf } from '../../lib/experiments/expose';
import { dueAtMs } from '../../lib/experiments/tally';
import { type Context, defineService, due, on, type ServiceDefinition } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { ExperimentObserved, ExperimentTally } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { observe, show } from './observe';

/** Names that were ever used; a configuration has at most 16 at a time. */
const maxExperiments = 10_000;

export function createExperiments({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, 'experiments'));
  const configured = (context: Context, name: string) => {
    const experiment = readConfig(context.view(topics.config))?.config.experiments.find((one) => one.name === name);
    return experiment ? { experiment, definition: definitionOf(experiment) } : null;
  };
  return defineService({
    group: 'experiments',
    // Off the request path: fewer, larger batches leave the time to requests.
    lingerMs: 20,
    inputs: [
      on<ExperimentObserved, ExperimentTally>(
        topics.experimentObserved,
        (tally, observed, context) => {
          const result = observe(tally, observed, configured(context, observed.exposure.experiment), context.nowMs);
          if (result.kind !== 'done' || !result.state?.stopped || tally?.stopped) return result;
          const labels = { experiment: observed.exposure.experiment };
          return { ...result, counts: [{ name: 'quantum_router_experiments_stopped_total', labels }] };
        },
        { stateKey: (observed) => observed.exposure.experiment },
      ),
      due<ExperimentTally>((tally, context) => show(tally, configured(context, tally.experiment), context.nowMs)),
    ],
    views: [topics.config],
    outputs: [topics.experimentStates],
    table: { topic: topics.experimentTallies, dueAtMs, maxRows: maxExperiments },
  });
}
