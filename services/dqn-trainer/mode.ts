/**
 * What happens to the policies a fold makes: published as they come, kept back until the log has been folded, or kept back
 * while a candidate is on trial or somebody has gone back to earlier weights.
 */
import type { WeightsPublished, WeightsVersion } from '../../lib/topics/generated/messages';
import type { FoldSettings } from './fold/fold-settings';
import { isOfLineage, lineageIdOf } from './lineage';
import { isRefusedCandidate } from './versions';

export type Mode =
  | { readonly kind: 'increments' }
  /** Until so far. Then the newest policy comes into force, or becomes a candidate. */
  | { readonly kind: 'catchingUp'; readonly untilOffset: number; readonly afterwards: 'publish' | Held }
  | Held;

/** Weights in force stay. `automatic`: the gate's consent ends it; otherwise only a command does. */
export interface Held {
  readonly kind: 'held';
  readonly automatic: boolean;
}

export interface ModeAtStart {
  /** In force; null before the first. */
  readonly weights: WeightsPublished | null;
  readonly versions: readonly WeightsVersion[];
  readonly settings: FoldSettings;
  /** The log is folded from its beginning although it had been folded before. */
  readonly isRefold: boolean;
  /** It is not the log that the weights in force were made from: what a fold of it makes has to prove itself. */
  readonly isOtherLog: boolean;
  /** Of learning.events. */
  readonly earliest: number;
  readonly end: number;
}

export function modeAtStart({ weights, versions, settings, isRefold, isOtherLog, earliest, end }: ModeAtStart): Mode {
  if (weights === null) return isRefold ? { kind: 'catchingUp', untilOffset: end, afterwards: 'publish' } : increments;
  // What another encoder made cannot judge today's requests: there is nothing to protect.
  const canServe = weights.encoderVersion === settings.encoderVersion;
  const wentBack = weights.reason === 'ROLLBACK';
  // From a log whose beginning is gone, the same settings give other weights.
  const isSame =
    !isOtherLog && isOfLineage(weights, settings) && !(isRefold && earliest > Math.max(0, weights.fromOffset));
  if (isSame && !wentBack)
    return isRefold ? { kind: 'catchingUp', untilOffset: end, afterwards: 'publish' } : increments;
  if (!canServe) return { kind: 'catchingUp', untilOffset: end, afterwards: 'publish' };
  const lineage = lineageIdOf(settings);
  const ofFold = versions.filter((version) => version.weights.lineage === lineage);
  const wasRefused = ofFold.some(
    (version) => isRefusedCandidate(version) && version.changedAtMs >= weights.publishedAtMs,
  );
  const held: Held = { kind: 'held', automatic: !wentBack && !wasRefused };
  // A candidate is made only by a fold that has caught up, and one goes back only from what a fold had published.
  const hasArrived = ofFold.some(({ state }) => state === 'CANDIDATE' || state === 'ROLLED_BACK') || wasRefused;
  return hasArrived && !isRefold ? held : { kind: 'catchingUp', untilOffset: end, afterwards: held };
}

const increments: Mode = { kind: 'increments' };
