/**
 * FIRST_SUCCESS maximises nothing: the first declared strategy that succeeded takes all, whatever the others say.
 * For an explicit order of preference: the others are only there in case it fails.
 */
import { type Collapse, winnerTakesAll } from './collapsed';

export const firstSuccess: Collapse = (_opened, threads) => winnerTakesAll(threads, 0);
