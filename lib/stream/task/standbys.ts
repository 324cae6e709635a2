/**
 * Stand-bys: what a task would restore of partitions that other members own, read before it is needed. A member that is given one of them
 * has only the newest records of it to read, and a member that starts is not given anything before it has read it.
 */
import type { StageMemory } from './stage-memory';

/** A take-over reads what has come since the last look: so much of a tail that goes back for hours is little. */
const lookIntervalMs = 2_000;
/**
 * A start goes on when for so long nothing more has come to its first look. A long tail on a full machine takes its time, and whoever owns
 * the partitions decides meanwhile: one that is handed over half read stands still until the rest is read. Where nothing comes, mostly the
 * leader of a partition is away, which is asked for half a minute, and perhaps nobody owns the others.
 */
const patienceMs = 5_000;
/** And so long in all: after a stop of all members nobody decides meanwhile, and a member need not read what others will own. */
const longestWarmUpMs = 20_000;

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

/** One partition that is kept. Each is looked at by itself, so that one that does not answer keeps none of the others waiting. */
interface Standby {
  readonly partition: number;
  readonly memories: readonly StageMemory[];
  cancelTimer: () => void;
}

export class Standbys {
  private readonly kept = new Map<number, Standby>();
  private stopped = false;
  private endWarmUp = (): void => {};

  constructor(private readonly options: StandbyOptions) {}

  /**
   * Reads the first time what a member without partitions keeps, and goes on looking. Resolves when all has been read once, it is
   * stopped, nothing has come for `patienceMs`, or `longestWarmUpMs` are over. Never rejects.
   */
  async begin(): Promise<void> {
    this.keepAllBut([]);
    await new Promise<void>((resolve) => {
      let cancelTimer = (): void => {};
      const cancelLongest = this.options.setTimer(longestWarmUpMs, () => this.endWarmUp());
      let hasEnded = false;
      const goOn = (): void => {
        cancelTimer();
        if (!hasEnded) cancelTimer = this.options.setTimer(patienceMs, this.endWarmUp);
      };
      this.endWarmUp = () => {
        hasEnded = true;
        cancelTimer();
        cancelLongest();
        resolve();
      };
      goOn();
      const looks = [...this.kept.values()].map((standby) => {
        standby.cancelTimer();
        return this.look(standby, goOn);
      });
      void Promise.all(looks).then(this.endWarmUp);
    });
  }

  /** The memories of a partition that this member owns from now on: those of a stand-by, or new ones. */
  take(partition: number): readonly StageMemory[] {
    const memories = this.kept.get(partition)?.memories ?? this.options.memoriesOf(partition);
    this.drop(partition);
    return memories;
  }

  /** From now on these are owned, and others are kept. */
  keepAllBut(owned: readonly number[]): void {
    const { partitions, most } = this.options;
    if (this.stopped) return;
    const first = Math.min(...owned, partitions);
    const inTurn = Array.from({ length: partitions }, (_, i) => (first + i) % partitions);
    const wanted = new Set(inTurn.filter((partition) => !owned.includes(partition)).slice(0, most));
    for (const partition of [...this.kept.keys()]) if (!wanted.has(partition)) this.drop(partition);
    for (const partition of wanted) if (!this.kept.has(partition)) this.keep(partition);
  }

  stop(): void {
    this.stopped = true;
    for (const partition of [...this.kept.keys()]) this.drop(partition);
    this.endWarmUp();
  }

  /** Begins a stand-by with nothing read. */
  private keep(partition: number): void {
    const standby = { partition, memories: this.options.memoriesOf(partition), cancelTimer: () => {} };
    this.kept.set(partition, standby);
    this.lookLater(standby);
  }

  private drop(partition: number): void {
    this.kept.get(partition)?.cancelTimer();
    this.kept.delete(partition);
  }

  private lookLater(standby: Standby): void {
    standby.cancelTimer = this.options.setTimer(lookIntervalMs, () => void this.look(standby));
  }

  /** Never rejects. `onRecords`: some have come. */
  private async look(standby: Standby, onRecords: () => void = () => {}): Promise<void> {
    const { partition, memories } = standby;
    const isKept = (): boolean => this.kept.get(partition) === standby;
    const assertWanted = (): void => {
      // What a task has taken is read on: it waits for this, and reads the rest.
      if (this.stopped) throw new Error('nobody waits for it any more');
      onRecords();
    };
    try {
      await Promise.all(memories.map((memory) => memory.readOn(assertWanted)));
      if (isKept()) this.lookLater(standby);
    } catch (error) {
      if (!isKept()) return;
      this.keep(partition);
      this.options.onFailed(partition, error as Error);
    }
  }
}
