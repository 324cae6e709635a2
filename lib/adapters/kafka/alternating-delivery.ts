/**
 * The transactions of one owned partition, under two transactional ids in turns. Kafka answers the end of a transaction when it
 * has been decided, and tells each partition of it afterwards; a transaction of the same id that begins meanwhile waits, in steps
 * of 20 ms. Under the other id it begins at once.
 *
 * Whoever owns the partition next takes both ids over before it reads a position, so that nothing of an earlier owner can come
 * after. With one id the last to take it over is the owner; two could end up with two owners, where one of them was slow and
 * the group has gone on without it. So an owner asks the group, after both, whether it still is one: then any later owner takes
 * both over after it. A transaction begins when the one before it has been decided; so their order in a partition is that of the
 * log and of the positions in it, and no reader of the partition sees the later one first, whichever Kafka is done with first.
 */
import type { PlacedRecord } from './record-batcher';
import type { TransactionalDelivery } from './transactional-delivery';

/** The first is that of an owner of a version that knows one id only, which we fence. It fences that one id of ours, no more. */
export function transactionalIdsOf(group: string, partition: number): readonly string[] {
  return [`${group}-${partition}`, `${group}-${partition}-b`];
}

type OneId = Pick<TransactionalDelivery, 'begin' | 'write'>;

export class AlternatingDelivery {
  private turn = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** One for each transactional id. `confirm` rejects where the group has gone on without this owner. */
  constructor(
    private readonly deliveries: readonly OneId[],
    private readonly confirm: () => Promise<void>,
  ) {}

  /** As `TransactionalDelivery.begin`, for all ids. */
  async begin(): Promise<void> {
    await Promise.all(this.deliveries.map((delivery) => delivery.begin()));
    await this.confirm();
  }

  /** As `TransactionalDelivery.write`. */
  write(
    records: readonly PlacedRecord[],
    positions: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    const written = this.last.then(() => this.writeNext(records, positions));
    this.last = written.catch(() => {});
    return written;
  }

  /** Resolves when the transactions that have been asked for are over. */
  async idle(): Promise<void> {
    await this.last;
  }

  private async writeNext(
    records: readonly PlacedRecord[],
    positions: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    const ends = await this.deliveries[this.turn]!.write(records, positions);
    // Only then: what a failed transaction has left open is ended under its own id, before readers come to what follows.
    this.turn = (this.turn + 1) % this.deliveries.length;
    return ends;
  }
}
