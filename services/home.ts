/** Where an engine lives: the ports it runs on. The services do not know which home they are in. */
import { createEmbeddedBroker } from '../lib/adapters/embedded/embedded-broker';
import { createEmbeddedKeyValue } from '../lib/adapters/embedded/embedded-key-value';
import { type Durability, openEmbeddedStore } from '../lib/adapters/embedded/embedded-store';
import { createMemoryBroker, type Unkindness } from '../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../lib/adapters/memory/memory-key-value';
import { systemClock, systemIds } from '../lib/adapters/system';
import type { Broker } from '../lib/ports/broker';
import type { Clock } from '../lib/ports/clock';
import type { KeyValue } from '../lib/ports/key-value';
import { seededRandom } from '../lib/random/seeded';

export interface EngineHome {
  readonly broker: Broker;
  readonly keyValue: KeyValue;
  readonly clock: Clock;
  /** Sub-millisecond monotonic time for reported durations. */
  readonly elapsedMs: () => number;
  /** Fresh ids (requests without one, gateways). */
  readonly createId: () => string;
  /** Closes the ports. Call after the engine has stopped. */
  close(): Promise<void>;
}

/** One process on one lmdb file in `directory`. Throws, naming directory and process, when another process has it open. */
export function embeddedHome(options: { directory: string; durability?: Durability }): EngineHome {
  const clock = systemClock();
  const store = openEmbeddedStore({ ...options, clock });
  const broker = createEmbeddedBroker(store);
  const keyValue = createEmbeddedKeyValue(store);
  return {
    broker,
    keyValue,
    clock,
    elapsedMs: () => clock.monotonicMs(),
    createId: systemIds(),
    async close() {
      await broker.close();
      await keyValue.close();
      await store.close();
    },
  };
}

export interface MemoryHomeOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly unkindness?: Unkindness;
  /** Wall time for reported durations; by default the given clock, so that a simulation's log has no real time in it. */
  readonly elapsedMs?: () => number;
}

/** Everything in memory and deterministic: tests, simulation, evaluation. */
export function memoryHome(options: MemoryHomeOptions): EngineHome {
  const { clock, seed } = options;
  const random = seededRandom(seed, 'memory-broker');
  const broker = createMemoryBroker({ clock, random, ...(options.unkindness && { unkindness: options.unkindness }) });
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 100_000 });
  let ids = 0;
  return {
    broker,
    keyValue,
    clock,
    elapsedMs: options.elapsedMs ?? (() => clock.monotonicMs()),
    createId: () => `id-${seed}-${++ids}`,
    async close() {
      await broker.close();
      await keyValue.close();
    },
  };
}
