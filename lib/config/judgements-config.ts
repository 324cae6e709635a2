/** Who judges answers, beside the users themselves. */
export interface JudgeConfig {
  readonly name: string;
  /** A configured model. */
  readonly model: string;
  /** Of the answers at the door, 0..1. */
  readonly share: number;
  /** Of those, how many are graded beside the answer of another model. */
  readonly pairShare: number;
  readonly maxUsdPerDay: number;
  readonly maxPerHour: number;
  readonly rubric: string;
}

export interface JudgementsConfig {
  readonly nextTurn: boolean;
  readonly judges: readonly JudgeConfig[];
}

export const defaultRubric =
  'An answer is good when it does what was asked, is correct, complete and to the point, and says so where it does not know. Length and style alone are worth nothing.';
