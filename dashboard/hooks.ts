/** Data from outside in components: asked for again and again, with the last good answer kept while there is trouble. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiError, ask, type Json, noAnswer } from './api';
import { clock } from './format';

export interface Polled {
  /** Null until the first answer. */
  readonly data: Json;
  /** Why the newest question has no answer; null when it has. */
  readonly error: string | null;
  readonly again: () => void;
}

/** Asks every `intervalMs`; once where that is 0. Nothing is asked while nobody looks, nor where `path` is null. */
export function usePolled(path: string | null, intervalMs: number): Polled {
  const [data, setData] = useState<Json>(null);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let answeredAtMs: number | null = null;
    const whyNot = (failed: Error): string => {
      const isAway = failed instanceof ApiError && failed.status === noAnswer && intervalMs > 0;
      if (!isAway) return failed.message;
      const shown = answeredAtMs === null ? '' : ` What is shown is of ${clock(answeredAtMs)}.`;
      return `${failed.message}; it is asked again all the time.${shown}`;
    };
    const turn = async (): Promise<void> => {
      if (!document.hidden)
        try {
          const answer = await ask(path, { signal: stop.signal });
          setData(answer);
          answeredAtMs = Date.now();
          setError(null);
        } catch (failed) {
          if (stop.signal.aborted) return;
          setError(whyNot(failed as Error));
        }
      if (intervalMs > 0 && !stop.signal.aborted) timer = setTimeout(turn, intervalMs);
    };
    void turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, intervalMs, round]);
  return { data, error, again: useCallback(() => setRound((before) => before + 1), []) };
}

/** The part of the address behind #, such as /decisions/abc. */
export function useHash(): string {
  const read = (): string => location.hash.slice(1) || '/';
  const [hash, setHash] = useState(read);
  useEffect(() => {
    const listen = (): void => setHash(read());
    addEventListener('hashchange', listen);
    return () => removeEventListener('hashchange', listen);
  }, []);
  return hash;
}
