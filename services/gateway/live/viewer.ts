/**
 * One viewer: what it is sent, in what order, and what it misses. A queue of bounded length stands between the log and a
 * connection that takes nothing; when it is full, what comes is counted instead of kept, and the viewer is told.
 */
import { type LiveEvent, type LiveFilter, type LiveKind, passes } from './live-events';
import { type Positions, writePositions } from './positions';

/** Takes a message; false where it would rather have no more until `resume` is called. */
export type Send = (kind: LiveKind | 'missed' | 'caught-up', id: string, json: string) => boolean;

/** A record of the log as viewers see it. `json` is written once for all of them. */
export interface Told {
  readonly place: string;
  readonly offset: number;
  /** Null where the record is no event; it moves the position all the same. */
  readonly event: LiveEvent | null;
  readonly json: string;
}

export interface Viewer {
  /** What happens now. */
  take(told: Told): void;
  /** What was there before the viewer came. */
  tell(told: Told): void;
  /** The connection takes more. */
  resume(): void;
  /** Events that could not even be looked at: the log goes back further than a viewer is told. */
  skip(count: number): void;
  /** What was there when the viewer came has been sent; what came meanwhile follows. */
  catchUp(): void;
}

interface Message {
  readonly kind: LiveKind;
  readonly id: string;
  readonly json: string;
}

export function createViewer(filter: LiveFilter, positions: Positions, maxQueued: number, send: Send): Viewer {
  let queue: Message[] = [];
  let isBlocked = false;
  let missed = 0;
  /** While what was there before is being read, what comes waits here. */
  let waiting: Told[] | null = [];

  const id = (): string => writePositions(positions);
  const tellMissed = (): void => {
    if (missed === 0 || isBlocked) return;
    const count = missed;
    missed = 0;
    isBlocked = !send('missed', id(), JSON.stringify({ count }));
  };
  const pass = ({ place, offset, event, json }: Told): void => {
    if (offset < (positions.get(place) ?? 0)) return;
    positions.set(place, offset + 1);
    if (event === null || !passes(event, filter)) return;
    if (!isBlocked) isBlocked = !send(event.kind, id(), json);
    else if (queue.length < maxQueued) queue.push({ kind: event.kind, id: id(), json });
    else missed++;
  };
  return {
    take(told) {
      if (waiting === null) pass(told);
      else if (waiting.length < maxQueued) waiting.push(told);
      else missed++;
    },
    tell: pass,
    resume() {
      isBlocked = false;
      const messages = queue;
      queue = [];
      while (messages.length > 0 && !isBlocked) {
        const { kind, id: at, json } = messages.shift()!;
        isBlocked = !send(kind, at, json);
      }
      queue = messages;
      if (queue.length === 0) tellMissed();
    },
    skip(count) {
      missed += count;
      tellMissed();
    },
    catchUp() {
      const came = waiting ?? [];
      waiting = null;
      isBlocked = !send('caught-up', id(), '{}') || isBlocked;
      for (const told of came) pass(told);
      tellMissed();
    },
  };
}
