/** How much may be written to a store in an hour, by all gateways on it together and over restarts: the count lies in the store. */
import type { Clock } from '../../../../lib/ports/clock';
import type { KeyValue } from '../../../../lib/ports/key-value';

export interface HourlyBudget {
  /** Whether so many bytes may be written now. Rejects where the store cannot be asked. */
  take(bytes: number): Promise<boolean>;
}

export interface HourlyBudgetParts {
  readonly clock: Clock;
  readonly store: KeyValue;
  /** Under which the hours are counted. */
  readonly keyPrefix: string;
  readonly maxBytesPerHour: number;
  /** Told once an hour. */
  readonly onSpent: () => void;
}

const hourMs = 3_600_000;
/** It is taken in portions, so that the store is seldom asked: what is left of one at the end of an hour, or of a process, is lost. */
const portionsPerHour = 64;

export function createHourlyBudget(parts: HourlyBudgetParts): HourlyBudget {
  const { clock, store, keyPrefix, maxBytesPerHour, onSpent } = parts;
  const portionBytes = Math.floor(maxBytesPerHour / portionsPerHour);
  let current = { hour: -1, leftBytes: 0, isSpent: false };
  return {
    async take(bytes) {
      const hour = Math.floor(clock.nowMs() / hourMs);
      if (current.hour !== hour) current = { hour, leftBytes: 0, isSpent: false };
      // An answer that comes in the next hour is one about this.
      const ours = current;
      if (ours.leftBytes < bytes && !ours.isSpent) {
        const portion = Math.max(bytes, portionBytes);
        const total = await store.increment(`${keyPrefix}${hour}`, portion, 2 * hourMs);
        if (total <= maxBytesPerHour) ours.leftBytes += portion;
        else if (!ours.isSpent) {
          ours.isSpent = true;
          onSpent();
        }
      }
      if (ours.leftBytes < bytes) return false;
      ours.leftBytes -= bytes;
      return true;
    },
  };
}
