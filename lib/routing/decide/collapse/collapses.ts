/** All ways to make one distribution of several threads, by name. */
import type { CollapseName } from '../../../config/router-config';
import { bestScore } from './best-score';
import type { Collapse } from './collapsed';
import { combined } from './combined';
import { consensus } from './consensus';
import { firstSuccess } from './first-success';
import { weighted } from './weighted';

export const collapses: Readonly<Record<CollapseName, Collapse>> = {
  COMBINED: combined,
  BEST_SCORE: bestScore,
  WEIGHTED: weighted,
  CONSENSUS: consensus,
  FIRST_SUCCESS: firstSuccess,
};

/** The name if this build knows it, else COMBINED: a newer intake may ask for more than an older collapse can. */
export function knownCollapse(name: string): CollapseName {
  return Object.hasOwn(collapses, name) ? (name as CollapseName) : 'COMBINED';
}
