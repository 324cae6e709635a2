/**
 * A batch asked of the fold in portions, all at once: its thread goes on while the records of the first ones are being
 * written, and what is due is written before the whole batch is folded.
 */
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { nothingTried } from '../add-tried';
import type { TrainerFold, Tried } from './fold';
import type { FoldBatch } from './fold-settings';

/** A learning event as it was read; `timestampMs` is when it was written. */
export interface ReadEvent {
  readonly event: LearningEvent;
  readonly offset: number;
  readonly timestampMs?: number;
  /** What it was read from. */
  readonly bytes?: Buffer;
}

export interface Asked {
  readonly events: readonly ReadEvent[];
  readonly tried: Promise<Tried>;
  /** What `tried` has come to; null until then. */
  done: Tried | null;
}

const portionEvents = 32;

/** In order. Events at the `skipped` offsets are passed over. */
export function askInPortions(
  fold: Pick<TrainerFold, 'apply'>,
  batch: readonly ReadEvent[],
  skipped: ReadonlySet<number>,
): Asked[] {
  const asked: Asked[] = [];
  for (let from = 0; from < batch.length; from += portionEvents) {
    const events = batch.slice(from, from + portionEvents);
    const wanted = without(skipped, events);
    const tried = wanted.length > 0 ? fold.apply(wanted) : Promise.resolve(nothingTried);
    const one: Asked = { events, tried, done: null };
    // Whoever awaits `tried` hears of a failure. Nobody awaits the portions behind one that has failed.
    tried.then(
      (value) => {
        one.done = value;
      },
      () => undefined,
    );
    asked.push(one);
  }
  return asked;
}

export function without<E extends FoldBatch[number]>(skipped: ReadonlySet<number>, batch: readonly E[]): readonly E[] {
  return skipped.size === 0 ? batch : batch.filter(({ offset }) => !skipped.has(offset));
}
