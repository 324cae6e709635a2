/** Says once for each node that it does not answer, and once that it does again. Shared by all connections of a process. */
import type { Clock } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { rootError } from './kafka-errors';

interface NodeState {
  /** Since when it does not answer; null while it does. */
  sinceMs: number | null;
  /** When it answered again after the last outage. */
  overMs: number;
}

export class Outage {
  private readonly nodes = new Map<string, NodeState>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** A request that was begun at `sentMs` (monotonic) found no connection, or lost it, or waited in vain. */
  failed(node: string, error: unknown, sentMs: number): void {
    const state = this.nodes.get(node) ?? { sinceMs: null, overMs: Number.NEGATIVE_INFINITY };
    // What was sent before the node answered again belongs to the outage that is over.
    if (state.sinceMs !== null || sentMs <= state.overMs) return;
    state.sinceMs = this.clock.monotonicMs();
    this.nodes.set(node, state);
    this.log.warn('Kafka does not answer; trying again until it does', { node, reason: rootError(error).message });
  }

  answered(node: string): void {
    const state = this.nodes.get(node);
    if (!state || state.sinceMs === null) return;
    const nowMs = this.clock.monotonicMs();
    this.log.info('Kafka answers again', { node, afterMs: Math.round(nowMs - state.sinceMs) });
    state.sinceMs = null;
    state.overMs = nowMs;
  }

  /** Whether a node is known not to answer at the moment. */
  isSilent(node: string): boolean {
    return (this.nodes.get(node)?.sinceMs ?? null) !== null;
  }
}
