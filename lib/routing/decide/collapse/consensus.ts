/**
 * CONSENSUS: every thread has one vote, for its most probable candidate; the most-voted candidate is taken for certain.
 * For robustness against one thread gone wrong; ties go to the higher mean utility.
 */
import { certain, indexOfLargest } from '../../judge/distribution';
import { type Collapse, mixture } from './collapsed';

export const consensus: Collapse = (opened, threads) => {
  const votes = new Array<number>(opened.candidates.length).fill(0);
  const choices = threads.map((thread) => indexOfLargest(thread.probabilities));
  for (const choice of choices) votes[choice]!++;
  const equal = mixture(
    threads,
    threads.map(() => 1),
  );
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
};
