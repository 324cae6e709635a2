/**
 * Whether this process has let a probe through since a breaker became half open. One that hangs must not be followed by a stream
 * of others, and where few requests come the first must not be waited for long: neither can be said by the time alone.
 *
 * It is this process's own, and what it led to is pinned in the request: no decision depends on it later.
 */
export interface ProbeMemory {
  /** When the first probe was let through since then, milliseconds since the epoch; null where none was. `name` is the breaker's. */
  probedAtMs(name: string, sinceMs: number): number | null;
  /** A probe is let through. */
  note(name: string, nowMs: number): void;
}

interface Watched {
  readonly sinceMs: number;
  probedAtMs: number | null;
}

/** Models and providers of one configuration are no more. */
const mostWatched = 1_024;

export function createProbeMemory(): ProbeMemory {
  const watched = new Map<string, Watched>();
  return {
    probedAtMs(name, sinceMs) {
      const known = watched.get(name);
      if (known?.sinceMs === sinceMs) return known.probedAtMs;
      if (watched.size >= mostWatched) watched.clear();
      watched.set(name, { sinceMs, probedAtMs: null });
      return null;
    },
    note(name, nowMs) {
      const known = watched.get(name);
      if (known) known.probedAtMs ??= nowMs;
    },
  };
}

/** What breakers are called in it: a model may have the name of a provider. */
export const modelBreaker = (model: string): string => `model/${model}`;
export const providerBreaker = (provider: string): string => `provider/${provider}`;
