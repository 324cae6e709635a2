/**
 * One viewer: what it is sent, in what order, and what it misses. A queue of bounded length stands between the log and a
 * connection that takes nothing; when it is full, what comes is counted instead of kept, and the viewer is told.
 */
import { type Frame, keyOf, type Message, type Passed, type Told } from './frame';
import { type LiveFilter, type LiveKind, passes } from './live-events';
import { type Positions, writePositions } from './positions';

/** Takes a message; false where it would rather have no more until `resume` is called. */
export type Send = (kind: LiveKind | 'missed' | 'caught-up', id: string, json: string) => boolean;

/** Takes all that has passed of a frame at once; false as with `Send`. */
export type SendPassed = (passed: Passed) => boolean;

export interface Viewer {
  /** What happens now. */
  present(frame: Frame): void;
  /** What was there before the viewer came. */
  tell(told: Told): void;
  /** The connection takes more. */
  resume(): void;
  /** Events that could not even be looked at: the log goes back further than a viewer is told. */
  skip(count: number): void;
  /** What was there when the viewer came has been sent; what came meanwhile follows. */
  catchUp(): void;
}

/** `positions` is where the viewer stands, and is moved on with what it is told. */
export function createViewer(
  filter: LiveFilter,
  positions: Positions,
  maxQueued: number,
  send: Send,
  sendPassed: SendPassed = ({ messages }) =>
    messages.reduce((_, { kind, id: at, json }) => send(kind, at, json), true as boolean),
): Viewer {
  const key = keyOf(filter);
  let queue: Message[] = [];
  let isBlocked = false;
  let missed = 0;
  /** While what was there before is being read, what comes waits here. */
  let waiting: Told[] | null = [];

  /** Where it stands with all who have seen everything; null while it stands elsewhere. From then on `positions` stay as they are. */
  let idInStep: string | null = null;

  const id = (): string => idInStep ?? writePositions(positions);
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
  const wait = (told: Told): void => {
    if (waiting!.length < maxQueued) waiting!.push(told);
    else if (told.event !== null && passes(told.event, filter)) missed++;
  };
  return {
    present(frame) {
      if (waiting !== null) return frame.told.forEach(wait);
      if (idInStep === null && !isSame(positions, frame.before)) return frame.told.forEach(pass);
      const passed = frame.passed(key, filter);
      idInStep = frame.idAfter;
      if (passed.messages.length === 0) return;
      if (!isBlocked) {
        isBlocked = !sendPassed(passed);
        return;
      }
      const kept = passed.messages.slice(0, Math.max(0, maxQueued - queue.length));
      queue.push(...kept);
      missed += passed.messages.length - kept.length;
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

function isSame(one: Positions, other: ReadonlyMap<string, number>): boolean {
  if (one.size !== other.size) return false;
  for (const [place, next] of one) if (other.get(place) !== next) return false;
  return true;
}
