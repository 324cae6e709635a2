/**
 * How far a judge is believed: as far as it agrees with what users said explicitly of the same answers. A judge that nobody could
 * be compared with is believed half. All of it is in memory, of the feedback that this gateway takes.
 */
export interface JudgeTrust {
  /** 0..1. */
  readonly trust: number;
  /** Answers that both have judged; older ones count less. */
  readonly compared: number;
  /** What both have said of one answer, 0..1 each. */
  compare(score: number, feedback: number): void;
  /** What is reported for a score, where `expected` was expected of the model: what is not believed changes nothing. */
  believed(score: number, expected: number): number;
}

const priorTrust = 0.5;
/** Comparisons that the prior is worth. */
const priorWeight = 10;
/** Of a comparison, with every further one: judges and users change. */
const decay = 0.995;
/** Mean distance of two who have nothing to do with one another, each as likely to say one thing as the other. */
const distanceByChance = 0.5;

export function createJudgeTrust(): JudgeTrust {
  let weight = 0;
  let distance = 0;
  const trust = (): number => {
    const agreement = weight === 0 ? priorTrust : Math.max(0, 1 - distance / weight / distanceByChance);
    return (priorTrust * priorWeight + agreement * weight) / (priorWeight + weight);
  };
  return {
    get trust() {
      return trust();
    },
    get compared() {
      return weight;
    },
    compare(score, feedback) {
      weight = weight * decay + 1;
      distance = distance * decay + Math.abs(score - feedback);
    },
    believed: (score, expected) => expected + trust() * (score - expected),
  };
}
