/**
 * Buckets of tokens that limit how often something is done, shared by all processes where the store is. Like the key-value
 * store it may lose them at any time: a bucket that is lost is full again. Rejects at once with a TransientError while the
 * store cannot be reached.
 */
export interface TokenBuckets {
  /** Takes one token if there is one: in one step, whoever else asks at the same time. */
  takeToken(key: string, bucket: Bucket): Promise<Taken>;
}

export interface Bucket {
  /** Tokens of a full one, 1 or more; one that was never asked for is full. */
  readonly capacity: number;
  /** Tokens it gains. */
  readonly perSecond: number;
}

export interface Taken {
  readonly isTaken: boolean;
  /** Tokens that are left, with fractions. */
  readonly tokens: number;
}
