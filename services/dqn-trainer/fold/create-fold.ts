/** Where a fold runs. */

import { withTrial } from '../with-trial';
import type { StartFold } from './fold';
import { startFoldInWorker } from './fold-in-worker';
import { startFoldInline } from './fold-inline';

/**
 * `worker`: in a thread of its own, for real use. `inline`: in this one, for virtual clocks, which cannot see a thread at
 * work. A function: a fold of the caller's own, for tests and fault injection.
 */
export type TrainerHost = 'worker' | 'inline' | StartFold;

export function createFold(host: TrainerHost): StartFold {
  if (typeof host === 'function') return host;
  if (host === 'worker') return startFoldInWorker;
  return async (settings, saved) => withTrial(await startFoldInline(settings, saved), settings);
}
