/** Where a fold runs. */
import type { StartFold } from './fold';
import { startFoldInWorker } from './fold-in-worker';
import { startFoldInline } from './fold-inline';

/** `worker`: in a thread of its own, for real use. `inline`: in this one, for virtual clocks, which cannot see a thread at work. */
export type TrainerHost = 'worker' | 'inline';

export function createFold(host: TrainerHost): StartFold {
  return host === 'worker' ? startFoldInWorker : startFoldInline;
}
