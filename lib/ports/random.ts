/** A seeded stream of randomness. Nothing in the engine calls `Math.random`. */
export interface Random {
  /** Uniform in [0, 1) with 53 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal deviate. */
  normal(): number;
  /** The whole state, so that a checkpoint can resume the stream exactly. */
  state(): readonly number[];
}
