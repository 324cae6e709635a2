/**
 * How an agent's own episodes have gone, and the weights it had at the end of those that went best. Late in a run a few thousand gradient
 * steps can undo what was learned, and with a rate that has come down nothing brings it back. So whoever acts without
 * exploring asks here first: earlier weights count where the newest episodes are worse than theirs by more than chance.
 */

/** Episodes that make a mean: on CartPole ten of them are 5,000 steps. */
export const recordEpisodes = 10;
/** Standard errors of the difference, once the luck that made one mean the best of many is taken off. */
const leastDifference = 2;

export interface BestRecord {
  /** Takes one step in; `weights` are those of now. */
  observe(reward: number, isOver: boolean, weights: Float32Array): void;
  /** Those of the best episodes; null where the newest are no worse, or too few to say so. */
  better(): Float32Array | null;
}

interface Mean {
  readonly mean: number;
  /** Of that mean. */
  readonly variance: number;
}

/** `isUnderWay`: an episode has begun before the record, which says nothing of the rest of it. */
export function createBestRecord({ isUnderWay = false } = {}): BestRecord {
  /** Undiscounted returns of the newest episodes. */
  let newest: number[] = [];
  let episodes = 0;
  let underWay = 0;
  let isWhole = !isUnderWay;
  let best: (Mean & { readonly weights: Float32Array }) | null = null;
  return {
    observe(reward, isOver, weights) {
      underWay += reward;
      if (!isOver) return;
      if (!isWhole) {
        isWhole = true;
        underWay = 0;
        return;
      }
      newest = [...newest, underWay].slice(-recordEpisodes);
      underWay = 0;
      episodes++;
      if (episodes % recordEpisodes !== 0) return;
      const found = meanOf(newest);
      if (best === null || found.mean >= best.mean) best = { ...found, weights: weights.slice() };
    },
    better() {
      if (best === null) return null;
      const now = meanOf(newest);
      // The largest of n draws is about so many deviations above what they are draws from.
      const luck = Math.sqrt(2 * Math.log(episodes / recordEpisodes)) * Math.sqrt(best.variance);
      const error = Math.sqrt(best.variance + now.variance);
      return best.mean - luck - now.mean > leastDifference * error ? best.weights : null;
    },
  };
}

function meanOf(returns: readonly number[]): Mean {
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const squares = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (returns.length - 1) / returns.length };
}
