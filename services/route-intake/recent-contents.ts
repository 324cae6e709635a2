/**
 * What the newest requests asked, as hashes, so that a request that comes again is told from another one that uses its id.
 * It is for counting alone: after a restart it knows nothing, and both count as duplicates.
 */
import { newestEntries } from '../../lib/newest-entries';
import { contentHashOf } from '../../lib/topics/content-hash';
import type { RouteRequested } from '../../lib/topics/generated/messages';

export interface RecentContents {
  /** The first content of an id is kept. */
  remember(requestId: string, contentHash: string): void;
  /** Whether the request asks something else than the first one with its id did. */
  isOther(request: RouteRequested): boolean;
}

export function createRecentContents(maxIds: number): RecentContents {
  // What is only peeked at goes in the order it came.
  const hashes = newestEntries<string, string>(maxIds);
  return {
    remember(requestId, contentHash) {
      if (!hashes.has(requestId)) hashes.set(requestId, contentHash);
    },
    isOther(request) {
      const first = hashes.peek(request.requestId);
      return first !== undefined && first !== contentHashOf(request);
    },
  };
}
