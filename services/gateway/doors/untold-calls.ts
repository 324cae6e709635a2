/**
 * Calls that were made without a decision, until the engine can be told of them. They outlive the gateway that made them: one that
 * stood in while the log was away hands them to the one that has it.
 */
import type { OutcomeFields } from '../../../lib/client/build-records';
import type { Log } from '../../../lib/telemetry/log';
import type { Metrics } from '../../../lib/telemetry/metrics';
import type { RouteDecided, RouteRequested } from '../../../lib/topics/generated/messages';

/** What is known of one attempt but its decision. */
export type AttemptFields = OutcomeFields & { readonly model: string };

export interface UntoldCall {
  /** Without its text where the log has that already. */
  readonly request: RouteRequested;
  attempts: readonly AttemptFields[];
  /** Of the monotonic clock. */
  readonly endedMs: number;
  /** Whether the log may have the request already. */
  isAsked: boolean;
  /** Null until there is one. */
  decision: RouteDecided | null;
}

type WhyLost = 'no-decision' | 'too-many' | 'refused' | 'stopped';

export interface UntoldCalls {
  readonly size: number;
  /** A decision has come, whoever it is for. */
  decided(decision: RouteDecided): void;
  /**
   * Counts it as lost where too much is held already. Attempts of one that is held already come to it: a stream that goes on in the
   * background ends long after what others failed at.
   */
  hold(call: UntoldCall): void;
  /** Takes one out, and counts it as lost where there is a reason. */
  release(call: UntoldCall, lost: WhyLost | null): void;
  /** In order of their ends. */
  values(): Iterable<UntoldCall>;
  /** `listener` is called whenever one is held; what this returns ends that. */
  watch(listener: () => void): () => void;
}

const mostCalls = 5_000;
/** Of prompts: a UTF-16 code unit takes two. */
const mostBytes = 67_108_864;

export function createUntoldCalls(
  metrics: Metrics,
  limits = { maxCalls: mostCalls, maxBytes: mostBytes },
): UntoldCalls {
  const held = new Map<string, { readonly call: UntoldCall; readonly bytes: number }>();
  const listeners = new Set<() => void>();
  let bytes = 0;
  const lose = ({ attempts }: UntoldCall, reason: WhyLost): void =>
    metrics.count('quantum_router_call_reports_lost_total', { reason }, attempts.length);
  metrics.onCollect(() => metrics.set('quantum_router_calls_untold', {}, held.size));
  return {
    get size() {
      return held.size;
    },
    decided(decision) {
      const there = held.get(decision.requestId);
      // The first one is the truth.
      if (there) there.call.decision ??= decision;
    },
    hold(call) {
      const there = held.get(call.request.requestId);
      if (there) {
        there.call.attempts = [...there.call.attempts, ...call.attempts];
        for (const listener of listeners) listener();
        return;
      }
      const size = bytesOf(call.request);
      if (held.size >= limits.maxCalls || bytes + size > limits.maxBytes) return lose(call, 'too-many');
      held.set(call.request.requestId, { call, bytes: size });
      bytes += size;
      for (const listener of listeners) listener();
    },
    release(call, lost) {
      const there = held.get(call.request.requestId);
      if (there?.call !== call) return;
      held.delete(call.request.requestId);
      bytes -= there.bytes;
      if (lost !== null) lose(call, lost);
    },
    values: () => [...held.values()].map(({ call }) => call),
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Whoever stops the process says what nobody will be told any more. */
export function abandonUntold(untold: UntoldCalls, log: Log): void {
  if (untold.size === 0) return;
  log.warn('calls were made without a decision, and the engine was not told of them', { calls: untold.size });
  for (const call of untold.values()) untold.release(call, 'stopped');
}

function bytesOf({ messages, prompt, features }: RouteRequested): number {
  const text = messages.reduce((sum, { content }) => sum + content.length, prompt?.length ?? 0);
  return 2 * text + 8 * (features?.length ?? 0) + 1_000;
}
