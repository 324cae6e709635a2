/** Tool calls that come in pieces, as providers of chat send them in a stream. */
import { createJsonEnd, type JsonEnd } from './json-end';

/** A call that has begun in some place of an answer. */
export interface BegunCall {
  /** Null where the provider gives none. */
  readonly id: string | null;
  readonly name: string;
  /** Of its arguments. */
  readonly end: JsonEnd;
}

export function createBegunCall(id: string | null, name: string, args: string): BegunCall {
  const end = createJsonEnd();
  end.take(args);
  return { id, name, end };
}

/**
 * Whether a piece in the same place is the beginning of another call. Most give the name and the id first and the arguments bit by
 * bit behind them, some the name with every piece, some calls that are whole and all in the same place.
 */
export function beginsAnother(begun: BegunCall, id: string | null, name: string): boolean {
  if (id !== null && begun.id !== null && id !== begun.id) return true;
  return name !== '' && (name !== begun.name || (id === null && begun.end.isReached()));
}
