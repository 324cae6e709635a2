/** One kind of garbage and what has to become of it. */

export interface GarbageCase {
  readonly name: string;
  readonly fate: Fate;
  /** Key and bytes; the id is that of the request, for those that are one. */
  make(requestId: string): { readonly key: string | null; readonly value: Buffer | null; readonly misplaced?: boolean };
}

/** What is to become of a record. `field` is what its dead letter must name. */
export type Fate =
  | { readonly kind: 'read' | 'refused' | 'forwarded' }
  | { readonly kind: 'dead'; readonly field?: string; readonly says?: RegExp };
