/**
 * CONSENSUS maximises votes: every thread has one, for its most probable candidate, and the most-voted candidate is taken for
 * certain. For robustness against one thread gone wrong; ties go to the higher mean utility, else they share and the draw decides.
 */
import type { RouteOpened, ThreadScore } from '../../../topics/generated/messages';
import { certain, indexOfLargest } from '../../judge/distribution';
import { type Collapse, type Collapsed, mixture } from './collapsed';
import { allLargest } from './ties';

export const consensus: Collapse = (opened, threads) =>
  opened.tiesShare ? sharing(opened, threads) : firstOfTies(opened, threads);

function sharing({ candidates }: RouteOpened, threads: readonly ThreadScore[]): Collapsed {
  // A thread that cannot tell several apart splits its vote: RANDOM votes for everybody alike.
  const favourites = threads.map(({ probabilities }) => allLargest(probabilities));
  const votes = candidates.map((_, i) =>
    favourites.reduce((sum, chosen) => sum + (chosen.includes(i) ? 1 / chosen.length : 0), 0),
  );
  const equal = equally(threads);
  const voted = allLargest(votes);
  const best = allLargest(voted.map((i) => equal.utilities[i]!));
  const winners = best.map((i) => voted[i]!);
  const agreement = favourites.map(
    (chosen) => chosen.filter((candidate) => winners.includes(candidate)).length / chosen.length,
  );
  const agreeing = mixture(threads, agreement);
  const share = agreement.reduce((sum, part) => sum + part, 0) / threads.length;
  return {
    ...equal,
    probabilities: candidates.map((_, i) => (winners.includes(i) ? 1 / winners.length : 0)),
    weights: agreeing.weights,
    leadingStrategy: agreeing.leadingStrategy,
    confidence: agreeing.confidence * share,
  };
}

/** As releases before ties were shared decided, for the replay of what they decided. */
function firstOfTies(opened: RouteOpened, threads: readonly ThreadScore[]): Collapsed {
  const votes = new Array<number>(opened.candidates.length).fill(0);
  const choices = threads.map((thread) => indexOfLargest(thread.probabilities));
  for (const choice of choices) votes[choice]!++;
  const equal = equally(threads);
  let winner = choices[0]!;
  for (const choice of choices) {
    const more = votes[choice]! - votes[winner]!;
    if (more > 0 || (more === 0 && equal.utilities[choice]! > equal.utilities[winner]!)) winner = choice;
  }
  // Only those who voted for it have a share in the result.
  const agreeing = mixture(
    threads,
    choices.map((choice) => (choice === winner ? 1 : 0)),
  );
  return {
    ...equal,
    probabilities: certain(votes.length, winner),
    weights: agreeing.weights,
    leadingStrategy: agreeing.leadingStrategy,
    confidence: (agreeing.confidence * votes[winner]!) / threads.length,
  };
}

function equally(threads: readonly ThreadScore[]): Collapsed {
  return mixture(
    threads,
    threads.map(() => 1),
  );
}
