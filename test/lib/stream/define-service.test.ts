/** What an emit may be: the compiler checks the lines marked here, so a marked line that compiles fails `make types`. */
import { type Emit, emit, tombstone } from '../../../lib/stream/define-service';
import type { Alert, Tuning } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';

const tuning = { version: 1 } as Tuning;
const alert = { alertId: 'a' } as Alert;

test('an emit has a value of its topic and no other, and is not made by hand', () => {
  expect(emit(topics.tuning, tuning)).toEqual({ topic: topics.tuning, value: tuning });
  // @ts-expect-error the value is an alert.
  emit(topics.tuning, alert);
  // @ts-expect-error the value has none of the topic's fields but one.
  emit(topics.tuning, { version: 1 });
  // @ts-expect-error an emit that is not made by emit could have any value.
  const byHand: Emit = { topic: topics.tuning, value: tuning };
  expect(byHand).toEqual(emit(topics.tuning, tuning));
});

test('a tombstone has no value and says whose row is gone', () => {
  expect(tombstone(topics.alerts, 'a')).toEqual({ topic: topics.alerts, value: null, key: 'a' });
  // @ts-expect-error nobody knows whose row it is.
  const keyless: Emit = { topic: topics.alerts, value: null };
  expect(keyless.key).toBeUndefined();
});
