/**
 * FIRST_SUCCESS: the first declared strategy that succeeded takes all.
 * For an explicit order of preference: the others are only there in case it fails.
 */
import { type Collapse, winnerTakesAll } from './collapsed';

export const firstSuccess: Collapse = (_opened, threads) => winnerTakesAll(threads, 0);
