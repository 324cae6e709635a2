/**
 * The declaration of provider-probes. Its clock are the reports of processes, a topic of one partition: whoever has it is the only
 * one in a group of several instances who probes, and a report that nobody sends is a probe that is not made.
 */
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import type { Environment } from '../../lib/config/expand-references';
import type { Clock } from '../../lib/ports/clock';
import { createDemoUpstream } from '../../lib/providers/demo-upstream';
import type { ProviderClient } from '../../lib/providers/provider-client';
import { defineService, emit, process, type ServiceDefinition } from '../../lib/stream/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { EngineVitals } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { callProvider } from './call-provider';
import { type Probe, type ProbedAt, planProbes } from './plan-probes';

export const providerProbesGroup = 'provider-probes';

export interface ProviderProbesOptions {
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  /** Where the keys of providers are, by the names that the configuration gives. */
  readonly environment: Environment;
}

export function createProviderProbes({ metrics, log, clock, environment }: ProviderProbesOptions): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, providerProbesGroup));
  const upstream = createUpstream(clock, environment);
  let probedAt: ProbedAt = { providers: new Map(), models: new Map() };
  const forget = (): Promise<void> => {
    probedAt = { providers: new Map(), models: new Map() };
    return upstream.close();
  };

  const probe = async (one: Probe) => {
    const { name: model, provider } = one.model;
    const { observed, status, costUsd, reason } = await callProvider(upstream.client(), one, clock);
    metrics.count('quantum_router_provider_probes_total', { provider, status: observed ? status : 'NOT_CALLED' });
    if (costUsd !== null && costUsd > 0)
      metrics.count('quantum_router_provider_probes_cost_usd_total', { provider }, costUsd);
    if (reason !== null) log.warn('a provider was probed without an answer', { provider, model, status, reason });
    return observed ? [emit(topics.modelObserved, observed)] : [];
  };

  return defineService({
    group: providerProbesGroup,
    lingerMs: 100,
    inputs: [
      process<EngineVitals>(
        topics.engineVitals,
        async (_batch, context) => {
          const config = readConfig(context.view(topics.config))?.config;
          if (!config) return [];
          const profiles = context.view(topics.modelProfile);
          const planned = planProbes(config, (model) => profiles.get(model), probedAt, context.nowMs);
          return (await Promise.all(planned.map(probe))).flat();
        },
        {
          // Whoever is next waits for an interval before the first probe, so that two in a row never exceed the rate.
          onStop: async () => {
            await forget();
            return [];
          },
          onLost: () => void forget(),
        },
      ),
    ],
    views: [topics.config, topics.modelProfile],
    outputs: [topics.modelObserved],
  });
}

/** Read for the first probe, since a client for HTTP is much code and few configurations probe. */
function readClient() {
  const { createProviderClient } =
    require('../../lib/providers/provider-client') as typeof import('../../lib/providers/provider-client');
  return createProviderClient;
}

/** A client that is made for the first probe, and again for the first one after it was closed. */
function createUpstream(clock: Clock, environment: Environment): { client(): ProviderClient; close(): Promise<void> } {
  const demo = createDemoUpstream(() => 'probe');
  let made: ProviderClient | null = null;
  return {
    client() {
      made ??= readClient()({ clock, environment, demoUrl: demo.url });
      return made;
    },
    async close() {
      const ended = made;
      made = null;
      await ended?.close();
      await demo.close();
    },
  };
}
