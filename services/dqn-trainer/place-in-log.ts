/**
 * Where a fold goes on in the log. A topic that was deleted and made anew, or cut off, gives its offsets a second time, while
 * what is learned, published and compared is ordered by offsets that only grow. So the fold counts on: what it calls an
 * offset is the log's plus a shift, which is 0 until the log is first found to be another one.
 */
import { checkEvent } from '../../lib/learning/fold/check-event';
import type { OffsetRange } from '../../lib/ports/broker';
import type { FoldState } from './fold/fold-state';
import { type EventLog, readEvents } from './read-events';

export interface PlaceInLog {
  /** Next offset of the log to fold in. */
  readonly offset: number;
  /** What the fold counts above the log's offsets. */
  readonly shift: number;
  /**
   * `same`: goes on where it was. `expired`: retention was faster than the fold. `shorter`: the log ends before what was folded
   * in, and what it still has was folded in. `other`: its events are none of those that were folded in.
   */
  readonly log: 'same' | 'expired' | 'shorter' | 'other';
}

/** So many of the newest events that were folded in are compared with what the log has there now. */
const comparedOffsets = 32;

/** `shift`: that of the checkpoint. `skipped`: what no fold takes, as the fold counts. */
export async function placeInLog(
  log: EventLog & { readonly shift: number },
  { earliest, end }: OffsetRange,
  saved: Pick<FoldState, 'eventOffset' | 'recentIds' | 'settings'>,
  skipped: ReadonlySet<number>,
): Promise<PlaceInLog> {
  const { shift } = log;
  const { eventOffset } = saved;
  const position = eventOffset - shift;
  const startsAnew = (offset: number, kind: PlaceInLog['log']): PlaceInLog => ({
    offset,
    shift: eventOffset - offset,
    log: kind,
  });
  const known = new Set(saved.recentIds);
  const upTo = Math.min(position, end) + shift;
  let compared = 0;
  let found = 0;
  for await (const batch of readEvents(log, Math.max(0, upTo - comparedOffsets), upTo))
    for (const { event, offset } of batch) {
      // What is passed over at every fold is not remembered by its id.
      const isForeign = event.encoderVersion !== saved.settings.encoderVersion && event.callerFeatures === null;
      if (isForeign || skipped.has(offset) || checkEvent(event).fault !== null) continue;
      compared++;
      if (known.has(event.eventId)) found++;
    }
  if (compared > 0 && found === 0) return startsAnew(earliest, 'other');
  if (end < position) return found > 0 ? startsAnew(end, 'shorter') : startsAnew(earliest, 'other');
  if (earliest > position) return { offset: earliest, shift, log: 'expired' };
  return { offset: position, shift, log: 'same' };
}
