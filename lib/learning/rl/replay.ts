/**
 * What the agent remembers: a ring of transitions, oldest out first. Learning from random rows of it breaks the
 * correlation between steps that follow each other (Lin 1992). This one draws all rows alike.
 */
import type { Random } from '../../ports/random';
import type { Transition } from './transition';

/** A random batch. */
export interface Sample {
  readonly transitions: readonly Transition[];
  /** Where they are, for `update`. */
  readonly slots: readonly number[];
  /** How much each counts, at most 1: makes up for rows being drawn more often than others. */
  readonly weights: readonly number[];
}

export interface Replay {
  readonly size: number;
  add(transition: Transition): void;
  /** `rows` draws with replacement; the replay must not be empty. `correction` 0..1: how far `weights` make up. */
  sample(rows: number, random: Random, correction: number): Sample;
  /** Absolute errors of a sample, after it was learned from. */
  update(slots: readonly number[], errors: readonly number[]): void;
  /** Oldest first. */
  transitions(): Transition[];
  /** A new one of this kind and capacity, holding `transitions`. */
  refilled(transitions: readonly Transition[]): Replay;
}

export function createFifoReplay(capacity: number): Replay {
  const ring = createRing(capacity);
  return {
    get size() {
      return ring.rows.length;
    },
    add: (transition) => void ring.add(transition),
    sample(rows, random) {
      const slots = Array.from({ length: rows }, () => random.integer(ring.rows.length));
      return { slots, transitions: slots.map((slot) => ring.rows[slot]!), weights: slots.map(() => 1) };
    },
    update() {},
    transitions: ring.inOrder,
    refilled: (transitions) => refill(createFifoReplay(capacity), transitions),
  };
}

export function refill(empty: Replay, transitions: readonly Transition[]): Replay {
  for (const transition of transitions) empty.add(transition);
  return empty;
}

export interface Ring {
  /** In no particular order once the ring is full. */
  readonly rows: readonly Transition[];
  /** Returns the slot it went to. */
  add(transition: Transition): number;
  inOrder(): Transition[];
}

export function createRing(capacity: number): Ring {
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw new Error(`replay capacity must be a positive integer, got ${capacity}`);
  const rows: Transition[] = [];
  let added = 0;
  return {
    rows,
    add(transition) {
      const slot = added++ % capacity;
      rows[slot] = transition;
      return slot;
    },
    inOrder() {
      const oldest = added <= capacity ? 0 : added % capacity;
      return [...rows.slice(oldest), ...rows.slice(0, oldest)];
    },
  };
}
