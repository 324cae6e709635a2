/** What the clients of a run know: what they sent, what was acknowledged, what they were told, and when. */
import type { RouteDecided } from '../../lib/topics/generated/messages';

export interface SentRequest {
  readonly requestId: string;
  readonly index: number;
  /** When it was meant to be sent, on the monotonic clock: a client that is late itself counts as waiting. */
  readonly sentAtMs: number;
  /** The same on the wall clock. */
  readonly sentWallMs: number;
  readonly through: 'topic' | 'gateway';
  /** The broker, or the gateway, has taken it. */
  acknowledged: boolean;
  /** Time until the client held the decision; null while it does not. */
  tookMs: number | null;
  /** The model it was told first. */
  model: string | null;
}

export interface SentOutcome {
  readonly outcomeId: string;
  readonly requestId: string;
  /** When it was handed to the broker's client. */
  readonly sentAtMs: number;
  acknowledged: boolean;
}

export class Ledger {
  readonly requests = new Map<string, SentRequest>();
  readonly outcomes = new Map<string, SentOutcome>();
  /** Sends the broker's client gave up; nobody promised them anything. */
  failedSends = 0;
  /** Why a client could not go on; empty in a good run. */
  readonly faults: string[] = [];
  /** Requests whose clients have been told a decision. */
  answered = 0;

  acknowledgedRequests(): SentRequest[] {
    return [...this.requests.values()].filter(({ acknowledged }) => acknowledged);
  }

  acknowledgedOutcomes(): SentOutcome[] {
    return [...this.outcomes.values()].filter(({ acknowledged }) => acknowledged);
  }

  /** The client's first sight of a decision. False when it had seen one before, or did not ask. */
  told(decision: Pick<RouteDecided, 'requestId' | 'model'>, nowMs: number): boolean {
    const request = this.requests.get(decision.requestId);
    if (!request || request.model !== null) return false;
    this.answered += 1;
    request.model = decision.model;
    request.tookMs = nowMs - request.sentAtMs;
    return true;
  }

  /** Requests decided within `limitMs` ÷ all that were sent, of those that are `counted`. */
  availability(limitMs: number, counted: (request: SentRequest) => boolean = () => true): number {
    const asked = [...this.requests.values()].filter(counted);
    const inTime = asked.filter(({ tookMs }) => tookMs !== null && tookMs <= limitMs);
    return asked.length === 0 ? 1 : inTime.length / asked.length;
  }
}
