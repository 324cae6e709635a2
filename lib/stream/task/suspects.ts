/**
 * Which records a processor may have failed at. A processor has state of its own, so after a failure it can only begin
 * anew from what it saved; what is remembered here over such restarts narrows a failed batch down to the record at fault.
 */
/** A record by its place and its time: a topic that was made anew gives the same offsets to others. */
export interface Suspected {
  readonly offset: number;
  readonly timestampMs: number;
}

export interface Suspects {
  /** Cuts a batch into those that may be handed over together: suspected records come one by one. */
  portions<R extends Suspected>(place: string, batch: readonly R[]): R[][];
  /** A portion made the processor throw. */
  failed(place: string, portion: readonly Suspected[], error: unknown): void;
  /** True for a record that has made it throw by itself as often as is tried. */
  isCondemned(place: string, record: Suspected): boolean;
  /** What the record failed with last, when it was alone. */
  reasonOf(place: string, record: Suspected): unknown;
}

interface Place {
  /** Offsets of the batches that failed, from the first to the last. */
  from: number;
  to: number;
  /** Failures of records that were handed over alone, newest last. */
  readonly alone: Map<string, { readonly tries: number; readonly error: unknown }>;
}

/** Records remembered per partition; with more of them at fault the oldest are tried again. */
const maxRemembered = 10_000;

function nameOf({ offset, timestampMs }: Suspected): string {
  return `${offset}@${timestampMs}`;
}

/** `maxTries`: how often a record by itself may fail before it is condemned. */
export function createSuspects(maxTries: number): Suspects {
  const places = new Map<string, Place>();
  return {
    portions(place, batch) {
      const suspected = places.get(place);
      if (!suspected) return batch.length > 0 ? [[...batch]] : [];
      type R = (typeof batch)[number];
      const portions: R[][] = [];
      let open: R[] | null = null;
      for (const record of batch) {
        const { offset } = record;
        if (offset >= suspected.from && offset <= suspected.to) {
          portions.push([record]);
          open = null;
        } else if (open) open.push(record);
        else {
          open = [record];
          portions.push(open);
        }
      }
      return portions;
    },
    failed(place, portion, error) {
      const from = portion[0]!.offset;
      const to = portion.at(-1)!.offset;
      let suspected = places.get(place);
      if (!suspected) {
        suspected = { from, to, alone: new Map() };
        places.set(place, suspected);
      } else if (from > suspected.to) {
        suspected.from = from;
        suspected.to = to;
      } else {
        suspected.from = Math.min(suspected.from, from);
        suspected.to = Math.max(suspected.to, to);
      }
      if (portion.length > 1) return;
      const { alone } = suspected;
      const name = nameOf(portion[0]!);
      alone.set(name, { tries: (alone.get(name)?.tries ?? 0) + 1, error });
      if (alone.size > maxRemembered) alone.delete(alone.keys().next().value!);
    },
    isCondemned: (place, record) => (places.get(place)?.alone.get(nameOf(record))?.tries ?? 0) >= maxTries,
    reasonOf: (place, record) => places.get(place)?.alone.get(nameOf(record))?.error,
  };
}

/** A processor has thrown at a batch: the service begins anew, and the batch is narrowed down. */
export class BatchFailedError extends Error {
  constructor(group: string, place: string, from: number, to: number, cause: unknown) {
    super(
      `service ${group} failed at ${place}@${from === to ? from : `${from} to ${to}`}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
    this.name = 'BatchFailedError';
  }
}
