/** What a gateway knows of the log that it cannot reach. */
export interface StandbyState {
  /** What is waited for, in words for people. */
  readonly waitingFor: string;
  /** Whether the keys of callers are known: else nobody can tell a good key from a bad one. */
  readonly knowsKeys: boolean;
  /** True once the log was found to be away, and not only because everything has just been started. */
  isAway(): boolean;
}
