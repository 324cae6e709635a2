/** The learned strategy's distribution while nothing is learned: by declared beliefs, or alike where none differ. */
import type { RouteOpened } from '../../topics/generated/messages';
import { coldStartShares } from '../decide/budgeted-floors';
import { believedShares, conserve, declaredChoice } from './declared';
import { expectedQualities, expectedUtilities } from './strategies/expectations';

export function unlearnedShares(opened: RouteOpened): readonly number[] {
  if (declaredChoice(opened) < 0) return coldStartShares(opened);
  return conserve(opened, believedShares(opened), expectedUtilities(opened, expectedQualities(opened)));
}
