/**
 * Whether this process has let a probe through since its turn to probe began. One that hangs must not be followed by a stream
 * of others, and where few requests come the first must not be waited for long: neither can be said by the time alone.
 *
 * It is this process's own, and what it led to is pinned in the request: no decision depends on it later.
 */
export interface ProbeMemory {
  /**
   * When the first probe was let through since then, milliseconds since the epoch; null where none was, or where it went
   * elsewhere. `name` is the breaker's.
   */
  probedAtMs(name: string, sinceMs: number): number | null;
  /** A request may probe: it is let through, and nobody knows yet whether it calls this one. */
  note(name: string, requestId: string, nowMs: number): void;
  /** A request goes where these breakers are. Where it might have probed and goes elsewhere, no probe is under way. */
  decided(requestId: string, names: readonly string[]): void;
  /** Whether a request was let through of which it is not known yet where it goes. */
  isWaiting(): boolean;
}

interface Watched {
  readonly sinceMs: number;
  probedAtMs: number | null;
}

/** Models and providers of one configuration are no more. */
const mostWatched = 1_024;

export function createProbeMemory(): ProbeMemory {
  const watched = new Map<string, Watched>();
  /** The breakers that a request may probe. */
  const undecided = new Map<string, string[]>();
  return {
    probedAtMs(name, sinceMs) {
      const known = watched.get(name);
      if (known?.sinceMs === sinceMs) return known.probedAtMs;
      if (watched.size >= mostWatched) watched.clear();
      watched.set(name, { sinceMs, probedAtMs: null });
      return null;
    },
    note(name, requestId, nowMs) {
      const known = watched.get(name);
      if (known?.probedAtMs !== null) return;
      known.probedAtMs = nowMs;
      const names = undecided.get(requestId);
      if (names) names.push(name);
      else {
        if (undecided.size >= mostWatched) undecided.clear();
        undecided.set(requestId, [name]);
      }
    },
    decided(requestId, names) {
      for (const name of undecided.get(requestId) ?? []) {
        const known = watched.get(name);
        if (known && !names.includes(name)) known.probedAtMs = null;
      }
      undecided.delete(requestId);
    },
    isWaiting: () => undecided.size > 0,
  };
}

/** What breakers are called in it: a model may have the name of a provider. */
export const modelBreaker = (model: string): string => `model/${model}`;
export const providerBreaker = (provider: string): string => `provider/${provider}`;
