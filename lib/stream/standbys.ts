/**
 * Stand-bys: what a task would restore of partitions that other members own, read before it is needed. A member that is given one of them
 * has only the newest records of it to read, and a member that starts is not given anything before it has read it.
 */
import type { StageMemory } from './stage-memory';

/** A take-over reads what has come since the last look: so much of a tail that goes back for hours is little. */
const lookIntervalMs = 2_000;

export interface StandbyOptions {
  /** Of the group. */
  readonly partitions: number;
  /** So many are kept at most, those whose numbers follow the member's own. */
  readonly most: number;
  /** New memories of all stages. */
  readonly memoriesOf: (partition: number) => readonly StageMemory[];
  /** Calls back after `delayMs`; returns what cancels it. */
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /** A stand-by could not be read; it is begun anew. */
  readonly onFailed: (partition: number, error: Error) => void;
}

export class Standbys {
  private readonly kept = new Map<number, readonly StageMemory[]>();
  private stopped = false;
  private cancelTimer = (): void => {};

  constructor(private readonly options: StandbyOptions) {}

  /** Reads the first time what a member without partitions keeps, and goes on looking. Never rejects. */
  async begin(): Promise<void> {
    this.keepAllBut([]);
    await this.look();
  }

  /** The memories of a partition that this member owns from now on: those of a stand-by, or new ones. */
  take(partition: number): readonly StageMemory[] {
    const memories = this.kept.get(partition) ?? this.options.memoriesOf(partition);
    this.kept.delete(partition);
    return memories;
  }

  /** From now on these are owned, and others are kept. */
  keepAllBut(owned: readonly number[]): void {
    const { partitions, most, memoriesOf } = this.options;
    if (this.stopped) return;
    const first = Math.min(...owned, partitions);
    const inTurn = Array.from({ length: partitions }, (_, i) => (first + i) % partitions);
    const wanted = new Set(inTurn.filter((partition) => !owned.includes(partition)).slice(0, most));
    for (const partition of this.kept.keys()) if (!wanted.has(partition)) this.kept.delete(partition);
    for (const partition of wanted) if (!this.kept.has(partition)) this.kept.set(partition, memoriesOf(partition));
  }

  stop(): void {
    this.stopped = true;
    this.cancelTimer();
    this.kept.clear();
  }

  private async look(): Promise<void> {
    await Promise.all([...this.kept].map(([partition, memories]) => this.read(partition, memories)));
    if (!this.stopped) this.cancelTimer = this.options.setTimer(lookIntervalMs, () => void this.look());
  }

  private async read(partition: number, memories: readonly StageMemory[]): Promise<void> {
    const assertWanted = (): void => {
      // What a task has taken is read on: it waits for this, and reads the rest.
      if (this.stopped) throw new Error('nobody waits for it any more');
    };
    try {
      await Promise.all(memories.map((memory) => memory.readOn(assertWanted)));
    } catch (error) {
      if (this.stopped || this.kept.get(partition) !== memories) return;
      this.kept.set(partition, this.options.memoriesOf(partition));
      this.options.onFailed(partition, error as Error);
    }
  }
}
