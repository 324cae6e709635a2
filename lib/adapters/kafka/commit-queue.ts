/** Positions on their way to the group coordinator: one commit is out at a time, and what comes meanwhile goes with the next. */

export type Positions = ReadonlyMap<string, ReadonlyMap<number, number>>;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class CommitQueue {
  private gathering: { positions: Map<string, Map<number, number>>; waiting: Waiting[] } | null = null;
  private sending = false;

  /** `send` makes all of them durable, or rejects. */
  constructor(private readonly send: (positions: Positions) => Promise<void>) {}

  /** Resolves when exactly these positions (by topic) of the partition are committed, or newer ones of a later call. */
  commit(partition: number, positions: ReadonlyMap<string, number>): Promise<void> {
    this.gathering ??= { positions: new Map(), waiting: [] };
    const { gathering } = this;
    for (const [topic, offset] of positions) {
      let partitions = gathering.positions.get(topic);
      if (!partitions) {
        partitions = new Map();
        gathering.positions.set(topic, partitions);
      }
      partitions.set(partition, offset);
    }
    const committed = new Promise<void>((resolve, reject) => gathering.waiting.push({ resolve, reject }));
    if (!this.sending) void this.pump();
    return committed;
  }

  private async pump(): Promise<void> {
    this.sending = true;
    // Partitions commit at the same moments: whatever else this turn of the event loop brings goes along.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.gathering) {
      const { positions, waiting } = this.gathering;
      this.gathering = null;
      try {
        await this.send(positions);
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        for (const { reject } of waiting) reject(error);
      }
    }
    this.sending = false;
  }
}
