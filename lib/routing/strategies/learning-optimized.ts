/** LEARNING_OPTIMIZED: the learned value function; explores uniformly until the first weights are published. */
import type { Strategy } from '../strategy';
import { expectedUtilities } from './expectations';
import { random } from './random';

/** Throws when the event pins weights that could not be loaded: nothing is silently replaced. */
export const learningOptimized: Strategy = (opened, learned) => {
  if (!learned) {
    if (opened.policySha256 === null) return { ...random(opened, null), coldStart: true };
    throw new Error(`weights ${opened.policySha256.slice(0, 12)} could not be loaded`);
  }
  const judgement = learned.judge(opened);
  // While it explores it has no opinion; fallbacks and reasons then rest on the profiles.
  return judgement.coldStart ? { ...judgement, utilities: expectedUtilities(opened, judgement.qualities) } : judgement;
};
