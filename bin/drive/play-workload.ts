/** Plays a workload through a running engine's real topics, open loop at a fixed rate, and reports every chosen outcome back. */
import { DecisionTimeoutError, type RouterClient } from '../../lib/client/router-client';
import type { RouterConfig } from '../../lib/config/router-config';
import type { Workload, WorldEvent } from '../../lib/evaluation/workload';
import { type Clock, sleep } from '../../lib/ports/clock';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { outcomeOf, requestOf } from './workload-records';

export interface PlayOptions {
  readonly workload: Workload;
  readonly client: RouterClient;
  readonly clock: Clock;
  readonly config: RouterConfig;
  /** Called for announced world events (a price change) and resolves when the engine has the new configuration. */
  readonly applyConfig: (config: RouterConfig) => Promise<unknown>;
  readonly ratePerSecond: number;
  /** No request is sent while this many wait: the rate then falls behind, and latency counts from the intended time. */
  readonly maxInFlight: number;
  readonly onDecided: (index: number, decision: RouteDecided, done: number) => void;
  /** True stops sending; what is in flight is still awaited. */
  readonly stopped: () => boolean;
}

export interface Played {
  /** Chosen model per row; null where no decision came. */
  readonly chosen: (string | null)[];
  /** From the intended send time to the decision in the client's hands. */
  readonly latencyMs: Float64Array;
  readonly undecided: number;
  readonly elapsedMs: number;
}

const tickMs = 2;
const decisionTimeoutMs = 10_000;

export async function playWorkload(options: PlayOptions): Promise<Played> {
  const { workload, client, clock } = options;
  const chosen: (string | null)[] = new Array(workload.rows).fill(null);
  const latencyMs = new Float64Array(workload.rows);
  const events = [...workload.events];
  const startedMs = clock.monotonicMs();
  let config = options.config;
  let next = 0;
  let inFlight = 0;
  let done = 0;
  let undecided = 0;
  const failures: Error[] = [];

  const routeOne = async (index: number, intendedMs: number): Promise<void> => {
    const row = workload.row(index);
    try {
      const decision = await client.route(requestOf(workload, row, clock.nowMs()), decisionTimeoutMs);
      latencyMs[index] = clock.monotonicMs() - intendedMs;
      chosen[index] = decision.model;
      options.onDecided(index, decision, ++done);
      const outcome = outcomeOf(row, decision, clock.nowMs());
      if (outcome) await client.report(outcome);
    } catch (error) {
      if (!(error instanceof DecisionTimeoutError)) throw error;
      latencyMs[index] = decisionTimeoutMs;
      undecided += 1;
    }
  };

  while (next < workload.rows && !options.stopped() && failures.length === 0) {
    const dueCount = Math.min(
      workload.rows,
      Math.floor(((clock.monotonicMs() - startedMs) * options.ratePerSecond) / 1000) + 1,
    );
    while (next < dueCount && inFlight < options.maxInFlight) {
      while (events[0] && events[0].atIndex <= next) {
        config = configAfter(config, events.shift()!, workload);
        await options.applyConfig(config);
      }
      const intendedMs = startedMs + (next * 1000) / options.ratePerSecond;
      inFlight += 1;
      routeOne(next, intendedMs)
        .catch((error: Error) => failures.push(error))
        .finally(() => {
          inFlight -= 1;
        });
      next += 1;
    }
    await sleep(clock, tickMs);
  }
  while (inFlight > 0) await sleep(clock, tickMs);
  if (failures[0]) throw failures[0];
  return { chosen, latencyMs, undecided, elapsedMs: clock.monotonicMs() - startedMs };
}

/** The configuration after an announced event of the workload; outages are not announced. */
export function configAfter(config: RouterConfig, event: WorldEvent, workload: Workload): RouterConfig {
  if (event.kind === 'modelJoined') {
    const joined = workload.models.filter(({ name }) => name === event.model);
    return { ...config, models: [...config.models, ...joined] };
  }
  if (event.kind !== 'priceChanged') return config;
  return {
    ...config,
    models: config.models.map((model) => (model.name === event.model ? { ...model, price: event.price } : model)),
  };
}
