/**
 * What has happened within a moment, for all viewers at once: most of them have seen the same and want the same, so ids and
 * bytes are made once for all of these, and each connection is written to once. Done for each viewer and event, it would take the
 * time of those who wait for decisions.
 */
import { type LiveEvent, type LiveFilter, type LiveKind, passes } from './live-events';
import { type Positions, writePositions } from './positions';

/** A record of the log as viewers see it. `json` is written once for all of them. */
export interface Told {
  readonly place: string;
  readonly offset: number;
  /** Null where the record is no event; it moves the position all the same. */
  readonly event: LiveEvent | null;
  readonly json: string;
}

export interface Message {
  readonly kind: LiveKind;
  readonly id: string;
  readonly json: string;
}

/** What a filter lets through of a frame. */
export interface Passed {
  readonly messages: readonly Message[];
  /** All of it as server-sent events. */
  bytes(): Buffer;
}

export interface Frame {
  /** Where somebody stands who has seen everything before it, and (as an id) after it. */
  readonly before: ReadonlyMap<string, number>;
  readonly idAfter: string;
  readonly told: readonly Told[];
  /** `key` says the same of two filters that want the same (`keyOf`). */
  passed(key: string, filter: LiveFilter): Passed;
}

/** A server-sent event. */
export function eventText(kind: string, id: string, json: string): string {
  return `event: ${kind}\nid: ${id}\ndata: ${json}\n\n`;
}

/** Of what lies behind `positions`, which are moved on; what comes a second time, from a follower that ends late, is left out. */
export function createFrame(given: readonly Told[], positions: Positions): Frame {
  const before = new Map(positions);
  const told: Told[] = [];
  const ids: string[] = [];
  for (const one of given) {
    const { place, offset, event } = one;
    if (offset < (positions.get(place) ?? 0)) continue;
    positions.set(place, offset + 1);
    told.push(one);
    ids.push(event === null ? '' : writePositions(positions));
  }
  const made = new Map<string, Passed>();
  return {
    before,
    idAfter: writePositions(positions),
    told,
    passed(key, filter) {
      let passed = made.get(key);
      if (!passed) {
        passed = passedOf(
          told.flatMap(({ event, json }, index) =>
            event !== null && passes(event, filter) ? [{ kind: event.kind, id: ids[index]!, json }] : [],
          ),
        );
        made.set(key, passed);
      }
      return passed;
    },
  };
}

function passedOf(messages: readonly Message[]): Passed {
  let bytes: Buffer | null = null;
  return {
    messages,
    bytes() {
      bytes ??= Buffer.from(messages.map(({ kind, id, json }) => eventText(kind, id, json)).join(''));
      return bytes;
    },
  };
}

export function keyOf({ kinds, fields }: LiveFilter): string {
  return JSON.stringify([[...kinds].sort(), Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Viewers that are written to before others of the process have their turn. */
const viewersAtOnce = 5;

interface Showing<V> {
  readonly frame: Frame;
  /** Those who watched when it was made; some may have gone before it is their turn. */
  readonly viewers: readonly V[];
  readonly isThere: (viewer: V) => boolean;
}

/**
 * Shows one frame after another, to a few viewers at a time. `next` makes a frame of all that has happened since the last one,
 * null for nothing: where showing takes long, frames hold more, and nothing waits in line. Returns what says that there is something.
 */
export function createPresenter<V extends { present(frame: Frame): void }>(next: () => Showing<V> | null): () => void {
  let showing: Showing<V> | null = null;
  let shown = 0;
  const showSome = (): void => {
    if (showing === null) return;
    const { frame, viewers, isThere } = showing;
    const end = Math.min(viewers.length, shown + viewersAtOnce);
    for (; shown < end; shown++) if (isThere(viewers[shown]!)) viewers[shown]!.present(frame);
    if (shown >= viewers.length) begin();
    if (showing !== null) setImmediate(showSome);
  };
  const begin = (): void => {
    showing = next();
    shown = 0;
  };
  return () => {
    if (showing !== null) return;
    begin();
    showSome();
  };
}
