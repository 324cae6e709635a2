/**
 * Plays a workload through a running engine's real topics at a fixed rate, and reports every chosen outcome back. Where the
 * machine cannot keep up the rate gives way: what is to be seen is how the engine routes, not how long a queue can grow.
 */
import { DecisionTimeoutError, type RouterClient } from '../../lib/client/router-client';
import type { RouterConfig } from '../../lib/config/router-config';
import { type Clock, sleep } from '../../lib/ports/clock';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import type { Workload, WorldEvent } from '../workloads/workload';
import { outcomeOf, requestOf } from './workload-records';

export interface PlayOptions {
  readonly workload: Workload;
  readonly client: RouterClient;
  readonly clock: Clock;
  readonly config: RouterConfig;
  /** Called for announced world events (a price change) and resolves when the engine has the new configuration. */
  readonly applyConfig: (config: RouterConfig) => Promise<unknown>;
  readonly ratePerSecond: number;
  /** No request is sent while this many wait: the whole schedule then moves back, and the requests after it count as late. */
  readonly maxInFlight: number;
  readonly onDecided: (index: number, decision: RouteDecided, done: number) => void;
  /** Called whenever the schedule has begun to move back, or is kept again. */
  readonly onPace: (isBehind: boolean) => void;
  /** True stops sending; what is in flight is still awaited. */
  readonly stopped: () => boolean;
}

export interface Played {
  /** Chosen model per row; null where no decision came. */
  readonly chosen: (string | null)[];
  /** Requests that were sent; fewer than there are rows when somebody stopped it. */
  readonly sent: number;
  /** From the intended send time to the decision in the client's hands, of every request that was sent. */
  readonly latencyMs: Float64Array;
  readonly undecided: number;
  readonly elapsedMs: number;
  /** Requests sent while the machine could not keep up with the rate. */
  readonly late: number;
}

const tickMs = 2;
/** Far more than any decision takes: a request that waits so long on a busy machine is lost, not slow. */
const decisionTimeoutMs = 60_000;
/** Who stops a run does not want to wait for what is under way for longer than this. */
const stopPatienceMs = 2_000;
/** The machine counts as too slow for so long after the schedule has moved back. */
const behindForMs = 1_000;

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
  let late = 0;
  /** By how much the schedule has moved back so far. */
  let heldMs = 0;
  let heldAtMs = Number.NEGATIVE_INFINITY;
  let isBehind = false;
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
    const nowMs = clock.monotonicMs();
    if (isBehind !== nowMs - heldAtMs < behindForMs) {
      isBehind = !isBehind;
      options.onPace(isBehind);
    }
    const dueAtMs = (index: number): number => startedMs + heldMs + (index * 1_000) / options.ratePerSecond;
    while (next < workload.rows && dueAtMs(next) <= nowMs && inFlight < options.maxInFlight) {
      while (events[0] && events[0].atIndex <= next) {
        config = configAfter(config, events.shift()!, workload);
        await options.applyConfig(config);
      }
      inFlight += 1;
      if (isBehind) late += 1;
      routeOne(next, dueAtMs(next))
        .catch((error: Error) => failures.push(error))
        .finally(() => {
          inFlight -= 1;
        });
      next += 1;
    }
    if (next < workload.rows && dueAtMs(next) <= nowMs) {
      heldMs += nowMs - dueAtMs(next);
      heldAtMs = nowMs;
    }
    await sleep(clock, tickMs);
  }
  const endedMs = clock.monotonicMs();
  while (inFlight > 0 && !(options.stopped() && clock.monotonicMs() - endedMs > stopPatienceMs)) {
    await sleep(clock, tickMs);
  }
  if (failures[0] && !options.stopped()) throw failures[0];
  return {
    chosen,
    sent: next,
    latencyMs: latencyMs.subarray(0, next),
    undecided,
    elapsedMs: clock.monotonicMs() - startedMs,
    late,
  };
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
