import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import { defaultRouterConfig } from '../../lib/config/parse-config';
import { ownEntry } from '../../lib/dictionary';
import {
  type Context,
  defineService,
  due,
  emit,
  on,
  type Result,
  type ServiceDefinition,
} from '../../lib/stream/define-service';
import type { Count, Metrics } from '../../lib/telemetry/metrics';
import type { Breaker, ModelObserved, ProviderProfiles } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { nextProbeAtMs, type Profiled, type ProfilerSettings, profileModel, profilesAfterWait } from './profile-model';

/** Rows are providers that are or were configured; no configuration has more than 256. */
const maxProviders = 1_000;

/** The profiler reads its settings (half-life, breaker) from the config in force at each observation. */
export function createModelProfiler({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, 'model-profiler'));
  // Only until a configuration is applied; its models play no part here.
  const defaults: ProfilerSettings = defaultRouterConfig([{ name: 'none', provider: 'none' }]);

  const settingsOf = (context: Context): ProfilerSettings =>
    readConfig(context.view(topics.config))?.config ?? defaults;

  const observe = (
    row: ProviderProfiles | undefined,
    observed: ModelObserved,
    context: Context,
  ): Result<ProviderProfiles> => {
    if (observed.status === 'CANCELLED') return { kind: 'drop', reason: 'cancelled-call' };
    const settings = settingsOf(context);
    // Whoever may write observations could otherwise fill the table with providers that there are not.
    if (settings !== defaults && !row && !settings.models.some(({ provider }) => provider === observed.provider))
      return { kind: 'drop', reason: 'unknown-provider' };
    return written(row, profileModel(row, observed, settings, context.nowMs));
  };

  const written = (before: ProviderProfiles | undefined, { row, changed }: Profiled): Result<ProviderProfiles> => {
    const emits = changed.map((profile) => emit(topics.modelProfile, profile));
    return { kind: 'done', state: row, emit: emits, counts: transitionsOf(before, row) };
  };

  return defineService({
    group: 'model-profiler',
    lingerMs: 20,
    inputs: [
      on<ModelObserved, ProviderProfiles>(topics.modelObserved, observe, { stateKey: (observed) => observed.provider }),
      due<ProviderProfiles>((row, context) => written(row, profilesAfterWait(row, context.nowMs))),
    ],
    views: [topics.config],
    outputs: [topics.modelProfile],
    table: {
      topic: topics.providerProfiles,
      dueAtMs: nextProbeAtMs,
      maxRows: maxProviders,
      pauseWhenFull: [topics.modelObserved],
    },
  });
}

/** Breakers that are in another state than before; a new one starts CLOSED. */
function transitionsOf(before: ProviderProfiles | undefined, row: ProviderProfiles): readonly Count[] {
  const counts: Count[] = [];
  const count = (name: string, was: Breaker | undefined, is: Breaker): void => {
    if (is.health === (was?.health ?? 'CLOSED')) return;
    counts.push({ name: 'quantum_router_breaker_transitions_total', labels: { name, to: is.health } });
  };
  count(row.provider, before?.breaker, row.breaker);
  for (const { model, breaker } of Object.values(row.models))
    count(model, before && ownEntry(before.models, model)?.breaker, breaker);
  return counts;
}
