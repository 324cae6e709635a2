/**
 * How often a draw is judged at all, per model and task. Whether feedback comes may depend on the model and the task
 * (users rate code more than chat); taking judged rows at face value would then count some models and tasks too much. The
 * assumption that is left: *given model and task*, being judged does not depend on how good the answer was.
 */
import type { LoggedDecision } from './logged-decision';

/** A model's rate on a task is shrunk towards its overall rate as by so many draws. */
const shrinkage = 20;

/**
 * Share of a model's draws on a task that have a reward, 0..1: 1 where every decision has one, 0 for a model that was drawn
 * and never judged, the share of all draws for one that was never drawn.
 */
export type FeedbackRate = (model: string, task: string) => number;

export function feedbackRates(decisions: readonly LoggedDecision[]): FeedbackRate {
  if (decisions.every(({ reward }) => reward !== null)) return () => 1;
  const models = new Map<string, ModelTally>();
  for (const { models: names, chosen, task, reward } of decisions) {
    const model = models.get(names[chosen]!) ?? { draws: 0, judged: 0, tasks: new Map<string, Tally>() };
    models.set(names[chosen]!, model);
    const cell = model.tasks.get(task) ?? { draws: 0, judged: 0 };
    model.tasks.set(task, cell);
    for (const tally of [model, cell]) {
      tally.draws++;
      if (reward !== null) tally.judged++;
    }
  }
  const overall = decisions.filter(({ reward }) => reward !== null).length / decisions.length;
  return (model, task) => {
    const whole = models.get(model);
    if (whole === undefined) return overall;
    if (whole.judged === 0) return 0;
    const cell = whole.tasks.get(task) ?? { draws: 0, judged: 0 };
    return (cell.judged + (shrinkage * whole.judged) / whole.draws) / (cell.draws + shrinkage);
  };
}

interface Tally {
  draws: number;
  judged: number;
}

interface ModelTally extends Tally {
  readonly tasks: Map<string, Tally>;
}
