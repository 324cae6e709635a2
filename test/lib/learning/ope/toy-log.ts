/** Small logs with a known truth, for the tests of this folder. */
import type { LoggedDecision } from '../../../../lib/learning/ope/logged-decision';
import type { Random } from '../../../../lib/ports/random';

export interface ToyOptions {
  readonly rows: number;
  /** Probability of each model in a context. */
  readonly logging: (context: number) => readonly number[];
  /** Expected reward of each model in a context. */
  readonly means: (context: number) => readonly number[];
  readonly noise?: number;
}

/** Contexts 0 and 1, equally likely; the context is the task and the one feature. */
export function toyLog({ rows, logging, means, noise = 0.1 }: ToyOptions, random: Random): LoggedDecision[] {
  return Array.from({ length: rows }, (_, row) => {
    const context = random.integer(2);
    const propensities = logging(context);
    let point = random.next();
    let chosen = 0;
    while (chosen < propensities.length - 1 && point >= propensities[chosen]!) point -= propensities[chosen++]!;
    return {
      id: `d${row}`,
      cluster: null,
      models: propensities.map((_, model) => `m${model}`),
      propensities,
      chosen,
      reward: means(context)[chosen]! + noise * random.normal(),
      task: `t${context}`,
      features: Float32Array.of(context),
    };
  });
}

export function decision(parts: Partial<LoggedDecision> = {}): LoggedDecision {
  return {
    id: 'd',
    cluster: null,
    models: ['a', 'b'],
    propensities: [0.5, 0.5],
    chosen: 0,
    reward: 1,
    task: 't',
    features: new Float32Array(0),
    ...parts,
  };
}
