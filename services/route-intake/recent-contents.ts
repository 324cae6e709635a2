/**
 * What the newest requests asked, as hashes, so that a request that comes again is told from another one that uses its id.
 * It is for counting alone: after a restart it knows nothing, and both count as duplicates.
 */
import { contentHashOf } from '../../lib/topics/content-hash';
import type { RouteRequested } from '../../lib/topics/generated/messages';

export interface RecentContents {
  /** The first content of an id is kept. */
  remember(requestId: string, contentHash: string): void;
  /** Whether the request asks something else than the first one with its id did. */
  isOther(request: RouteRequested): boolean;
}

export function createRecentContents(maxIds: number): RecentContents {
  // A Map iterates in order of insertion, so the first key is the oldest.
  const hashes = new Map<string, string>();
  return {
    remember(requestId, contentHash) {
      if (hashes.has(requestId)) return;
      hashes.set(requestId, contentHash);
      if (hashes.size > maxIds) hashes.delete(hashes.keys().next().value!);
    },
    isOther(request) {
      const first = hashes.get(request.requestId);
      return first !== undefined && first !== contentHashOf(request);
    },
  };
}
