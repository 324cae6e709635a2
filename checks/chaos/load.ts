/**
 * The clients: send requests at a steady rate whatever happens (open loop), most through the topic and some through the
 * gateway, and report an outcome for every decision. They write down what they were promised.
 */
import { outcomeOf, requestOf } from '../../lab/runs/workload-records';
import type { SimulatedWorld } from '../../lab/workloads/simulated-world';
import type { WorkloadRow } from '../../lab/workloads/workload';
import type { Producer } from '../../lib/ports/broker';
import type { Random } from '../../lib/ports/random';
import type { RouteDecided, RouteOutcome, RouteRequested } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { outcomeId } from '../../services/reward-feedback/merge-reports';
import { patienceMs } from '../patience';
import type { Cluster } from './cluster';
import { Ledger, type SentRequest } from './ledger';
import { until } from './until';

export interface LoadOptions {
  readonly cluster: Cluster;
  readonly world: SimulatedWorld;
  readonly random: Random;
  readonly ratePerSecond: number;
  /** The longest a client waits for a decision. */
  readonly clientTimeoutMs: number;
  /** Whether an outcome is reported for every decision. */
  readonly reportsOutcomes: boolean;
  /** No more are sent in all, however long it takes. */
  readonly maxRequests: number;
}

export interface Load {
  readonly ledger: Ledger;
  readonly sent: number;
  /** Begins, or goes on, to send. */
  start(): void;
  /** Sends no more requests; outcomes still follow. */
  pause(): void;
  /** Resolves once so many requests have been sent since the beginning. */
  untilSent(count: number): Promise<void>;
  /** Resolves when nothing that was handed to the broker's client is outstanding any more. */
  untilAnswered(): Promise<void>;
  close(): Promise<void>;
}

const tickMs = 10;
/** One request in so many goes through the gateway. */
const gatewayEvery = 20;
/** In a row of so many requests, one in four asks the same, so that the routing cache has something to do. */
const burst = 200;
const repeatEvery = 4;
const maxOutcomeDelayMs = 300;
/** Of outcomes that are reported twice: clients that saw no acknowledgement do that. */
const twiceShare = 0.05;

/** Resolves once positioned at the end of `route.decided`. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const load = new Clients(options);
  await load.follow();
  return load;
}

class Clients implements Load {
  readonly ledger = new Ledger();
  sent = 0;
  private readonly requests: Producer;
  private readonly outcomes: Producer;
  private outstanding = 0;
  private cancelTick: (() => void) | null = null;
  private stopFollowing: () => Promise<void> = async () => {};

  constructor(private readonly options: LoadOptions) {
    const { broker } = options.cluster.home;
    this.requests = broker.producer('chaos-requests');
    this.outcomes = broker.producer('chaos-outcomes');
  }

  async follow(): Promise<void> {
    const { home, clock } = this.options.cluster;
    const follower = await home.broker.follow({
      topic: topics.routeDecided.name,
      startAt: 'latest',
      onFailed: (error) => this.ledger.faults.push(`the client can no longer follow decisions: ${error.message}`),
      onRecords: (records) => {
        for (const { value } of records) {
          const decision = topics.routeDecided.codec.decode(value!);
          const request = this.ledger.requests.get(decision.requestId);
          if (!request) continue;
          // A client of the gateway is told by the gateway; its outcome is reported all the same.
          const first = request.through === 'topic' ? this.ledger.told(decision, clock.monotonicMs()) : true;
          if (first && this.options.reportsOutcomes && !this.ledger.outcomes.has(`${decision.decisionId}/1/0`))
            this.answer(request, decision);
        }
      },
    });
    this.stopFollowing = () => follower.stop();
  }

  start(): void {
    if (this.cancelTick) return;
    const { clock } = this.options.cluster;
    const startedMs = clock.monotonicMs();
    const wallMs = clock.nowMs();
    const before = this.sent;
    const { maxRequests } = this.options;
    const everyMs = 1_000 / this.options.ratePerSecond;
    const tick = (): void => {
      const elapsedMs = clock.monotonicMs() - startedMs;
      for (let next = (this.sent - before) * everyMs; next <= elapsedMs && this.sent < maxRequests; next += everyMs) {
        this.sendRequest(this.sent++, startedMs + next, wallMs + next);
      }
      this.cancelTick = clock.setTimer(tickMs, tick);
    };
    this.cancelTick = clock.setTimer(0, tick);
  }

  pause(): void {
    this.cancelTick?.();
    this.cancelTick = null;
  }

  untilSent(count: number): Promise<void> {
    const limitMs = patienceMs + (count / this.options.ratePerSecond) * 1_000;
    return until(this.options.cluster.clock, `${count} requests are sent`, () => this.sent >= count, limitMs);
  }

  untilAnswered(): Promise<void> {
    const { clock } = this.options.cluster;
    return until(clock, 'every send has been answered', () => this.outstanding === 0, patienceMs);
  }

  async close(): Promise<void> {
    this.pause();
    await this.stopFollowing();
    await this.requests.close();
    await this.outcomes.close();
  }

  private sendRequest(index: number, sentAtMs: number, sentWallMs: number): void {
    const { world, cluster } = this.options;
    const requestId = `chaos-${index}`;
    const through = index % gatewayEvery === gatewayEvery - 1 ? 'gateway' : 'topic';
    const sent = { requestId, index, sentAtMs, sentWallMs, through, acknowledged: false, tookMs: null, model: null };
    const request: SentRequest = { ...sent, through };
    this.ledger.requests.set(requestId, request);
    const asked = { ...requestOf(world, this.rowOf(index), cluster.clock.nowMs()), requestId };
    if (through === 'gateway') this.ask(request, asked);
    else {
      const value = topics.routeRequested.codec.encode(asked);
      const record = { topic: topics.routeRequested.name, key: topics.routeRequested.keyOf(asked), value };
      this.track(this.requests.send([record]), () => {
        request.acknowledged = true;
      });
    }
  }

  private rowOf(index: number): WorkloadRow {
    const { world } = this.options;
    const row = index % repeatEvery === 0 ? index - (index % burst) : index;
    return world.row(row % world.rows);
  }

  /** Over HTTP. Whatever is not a decision promises nothing. */
  private ask(request: SentRequest, { requestId, prompt, taskHint }: RouteRequested): void {
    const { cluster, clientTimeoutMs } = this.options;
    const url = cluster.processes.url('gateway-0');
    if (url === null) return;
    const call = async (): Promise<void> => {
      const response = await fetch(`${url}/v1/route`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ requestId, prompt, taskHint }),
        // It answers 504 by itself at that time.
        signal: AbortSignal.timeout(clientTimeoutMs * 2),
      });
      const body = (await response.json()) as RouteDecided;
      if (response.status !== 200) return;
      request.acknowledged = true;
      this.ledger.told(body, cluster.clock.monotonicMs());
    };
    call().catch(() => {});
  }

  private answer(request: SentRequest, decision: RouteDecided): void {
    const { cluster, random } = this.options;
    const outcome = outcomeOf(this.rowOf(request.index), decision, cluster.clock.nowMs());
    if (!outcome) return;
    const times = random.next() < twiceShare ? 2 : 1;
    const sent = {
      outcomeId: outcomeId(outcome),
      requestId: request.requestId,
      sentAtMs: cluster.clock.monotonicMs(),
      acknowledged: false,
    };
    this.ledger.outcomes.set(sent.outcomeId, sent);
    for (let time = 0; time < times; time++) {
      this.outstanding += 1;
      cluster.clock.setTimer(random.next() * maxOutcomeDelayMs, () => {
        this.outstanding -= 1;
        this.report(outcome, () => {
          sent.acknowledged = true;
        });
      });
    }
  }

  private report(outcome: RouteOutcome, onAcknowledged: () => void): void {
    const value = topics.routeOutcome.codec.encode(outcome);
    const record = { topic: topics.routeOutcome.name, key: topics.routeOutcome.keyOf(outcome), value };
    this.track(this.outcomes.send([record]), onAcknowledged);
  }

  private track(sending: Promise<unknown>, onAcknowledged: () => void): void {
    this.outstanding += 1;
    sending
      .then(onAcknowledged, () => {
        this.ledger.failedSends += 1;
      })
      .finally(() => {
        this.outstanding -= 1;
      });
  }
}
