/**
 * RANDOM maximises nothing but what is seen: every eligible candidate alike, whatever is known of it.
 * It is the baseline that everything else must beat.
 */
import { uniform } from '../distribution';
import type { Strategy } from '../strategy';
import { expectedQualities, staticJudgement } from './expectations';

export const random: Strategy = (opened) => ({
  ...staticJudgement(opened, expectedQualities(opened), uniform(opened.candidates)),
  confidence: 0,
});
