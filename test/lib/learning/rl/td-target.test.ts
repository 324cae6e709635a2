import { preferredAction, tdTarget } from '../../../../lib/learning/rl/td-target';

// Two rows, three actions, two heads: value of head h of action a in row r at (r * 3 + a) * 2 + h.
const outputs = { actions: 3, heads: 2 };
const online = Float32Array.of(1, 9, 2, 3, 0, 0, /* row 1 */ 5, 0, 5, 1, 4, 2);
const target = Float32Array.of(4, 7, 5, 8, -1, -2, /* row 1 */ 10, 11, 12, 13, 14, 15);
const next = { online, target };
const transition = { reward: 0.5, discount: 0.9, nextAllowed: null };

test('the online network chooses, the target network values: each head for itself', () => {
  // Head 0 prefers action 1 (2 > 1 > 0), worth 5; head 1 prefers action 0 (9), worth 7, although 8 is on offer.
  expect(tdTarget(transition, 0, next, outputs)).toBeCloseTo(0.5 + 0.9 * 5);
  expect(tdTarget(transition, 1, next, outputs)).toBeCloseTo(0.5 + 0.9 * 7);
  expect(tdTarget(transition, 1, next, outputs, 1)).toBeCloseTo(0.5 + 0.9 * 15);
});

test('no next state, no discount or nothing allowed: the reward alone', () => {
  expect(tdTarget(transition, 0, null, outputs)).toBe(0.5);
  expect(tdTarget({ ...transition, discount: 0 }, 0, next, outputs)).toBe(0.5);
  expect(tdTarget({ ...transition, nextAllowed: Uint8Array.of(0, 0, 0) }, 0, next, outputs)).toBe(0.5);
});

test('what is not allowed next is not chosen; the first action wins a tie', () => {
  expect(tdTarget({ ...transition, nextAllowed: Uint8Array.of(1, 0, 1) }, 0, next, outputs)).toBeCloseTo(0.5 + 0.9 * 4);
  expect(preferredAction(online, outputs, 1, 0, null)).toBe(0);
  expect(preferredAction(online, outputs, 1, 0, Uint8Array.of(0, 0, 1))).toBe(2);
});
