/** The broker of the embedded home: topics, positions and tables in the one lmdb file of an embedded store. */
import { createLocalBroker, type LocalBroker } from '../local-broker';
import { createEmbeddedLog } from './embedded-log';
import { type EmbeddedStore, type EmbeddedStoreOptions, openEmbeddedStore } from './embedded-store';

export interface EmbeddedBrokerOptions {
  /** How often old records are looked for, and superseded ones in a tenth of the tables; default 1,000. null leaves it to calls of `maintain`. */
  readonly maintenanceIntervalMs?: number | null;
  /** How long a compacted topic keeps a tombstone, for slow readers; default a day. */
  readonly tombstoneRetentionMs?: number;
  /**
   * Above so many bytes of stored data the oldest records of topics with a retention go before their time, oldest first as
   * a share of that retention; default no limit. Compacted topics are state and stay.
   */
  readonly maxBytes?: number | null;
}

export interface EmbeddedBroker extends LocalBroker {
  /** Drops what retention and compaction allow, in transactions of a few hundred records with turns for others between. */
  maintain(): Promise<void>;
}

const defaultMaintenanceIntervalMs = 1_000;
const defaultTombstoneRetentionMs = 24 * 3_600_000;

/** A store of its own in `directory`, closed with the broker. */
export function openEmbeddedBroker(options: EmbeddedStoreOptions & EmbeddedBrokerOptions): EmbeddedBroker {
  const store = openEmbeddedStore(options);
  const broker = createEmbeddedBroker(store, options);
  return {
    ...broker,
    async close() {
      await broker.close();
      await store.close();
    },
  };
}

/** A broker on a store that others use too; closing the broker leaves the store open. */
export function createEmbeddedBroker(store: EmbeddedStore, options: EmbeddedBrokerOptions = {}): EmbeddedBroker {
  const log = createEmbeddedLog(store, {
    tombstoneRetentionMs: options.tombstoneRetentionMs ?? defaultTombstoneRetentionMs,
    maxBytes: options.maxBytes ?? null,
  });
  const broker = createLocalBroker({ log, clock: store.clock });
  const intervalMs =
    options.maintenanceIntervalMs === undefined ? defaultMaintenanceIntervalMs : options.maintenanceIntervalMs;
  let cancelTimer = (): void => {};
  let maintaining = Promise.resolve();
  /** One after the other: a call finds what the one before has left. */
  const maintainNext = (tablesInTurn: boolean): Promise<void> => {
    maintaining = maintaining.catch(() => {}).then(() => log.maintain({ tablesInTurn }));
    return maintaining;
  };
  const schedule = (): void => {
    if (intervalMs === null || log.isClosed()) return;
    cancelTimer = store.clock.setTimer(intervalMs, () => {
      // A failure here is a failure of the store, which every write will report.
      maintainNext(true).then(schedule, schedule);
    });
  };
  schedule();
  const close = async (): Promise<void> => {
    cancelTimer();
    await broker.close();
    await maintaining.catch(() => {});
  };
  store.onClose(() => void close());
  return { ...broker, maintain: () => maintainNext(false), close };
}
