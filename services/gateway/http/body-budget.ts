/**
 * How many bytes of bodies the gateway holds at once, over all connections. Whoever sends the first bytes of many large
 * bodies and holds back the last would else fill the memory. When it is used up, the largest body that is not complete
 * goes: a small request gets through while somebody hoards.
 */

/** The bytes of one request's body. */
export interface BodyShare {
  /** False when this body has to be refused. It may free room by refusing larger ones that are still arriving. */
  take(bytes: number): boolean;
  /** The body is all there: it will not be refused any more. */
  complete(): void;
  /** Gives everything back and takes no more. May be called again. */
  release(): void;
}

export interface BodyBudget {
  /** `refuse` is called at most once, when this body has to go for others while it still arrives. */
  open(refuse: () => void): BodyShare;
  readonly usedBytes: number;
}

interface Arriving {
  bytes: number;
  readonly refuse: () => void;
}

export function createBodyBudget(maxBytes: number): BodyBudget {
  const arriving = new Set<Arriving>();
  let usedBytes = 0;

  const largest = (): Arriving | null => {
    let found: Arriving | null = null;
    for (const share of arriving) if (!found || share.bytes > found.bytes) found = share;
    return found;
  };
  const drop = (share: Arriving): void => {
    arriving.delete(share);
    usedBytes -= share.bytes;
    share.bytes = 0;
  };

  return {
    get usedBytes() {
      return usedBytes;
    },
    open(refuse) {
      const own: Arriving = { bytes: 0, refuse };
      let released = false;
      arriving.add(own);
      return {
        take(bytes) {
          if (released) return false;
          while (usedBytes + bytes > maxBytes) {
            const other = largest();
            if (!other || other === own || other.bytes <= own.bytes + bytes) return false;
            drop(other);
            other.refuse();
          }
          own.bytes += bytes;
          usedBytes += bytes;
          return true;
        },
        complete: () => void arriving.delete(own),
        release() {
          released = true;
          drop(own);
        },
      };
    },
  };
}
