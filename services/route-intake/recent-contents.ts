/**
 * What the newest requests asked, as hashes, so that a request that comes again is told from another one that uses its id.
 * It is for counting alone: after a restart it knows nothing, and both count as duplicates.
 */
import { createNewestKeys } from '../../lib/newest-keys';
import { contentHashOf } from '../../lib/topics/content-hash';
import type { RouteRequested } from '../../lib/topics/generated/messages';

export interface RecentContents {
  /** The first content of an id is kept. */
  remember(requestId: string, contentHash: string): void;
  /** Whether the request asks something else than the first one with its id did. */
  isOther(request: RouteRequested): boolean;
}

/** Of a hash so much is kept: two contents that are alike in it are told apart by nobody, one time in 2 to the power of 48. */
const keptChars = 12;

export function createRecentContents(maxIds: number): RecentContents {
  const ids = createNewestKeys(maxIds);
  /** By slot. */
  const hashes: string[] = [];
  return {
    remember(requestId, contentHash) {
      const slot = ids.add(requestId);
      if (slot >= 0) hashes[slot] = contentHash.slice(0, keptChars);
    },
    isOther(request) {
      const first = hashes[ids.slotOf(request.requestId)];
      return first !== undefined && first !== contentHashOf(request).slice(0, keptChars);
    },
  };
}
