/**
 * Sessions of recorded requests as a task: the requests of one session share a budget, so what a model costs now is
 * missing later. Recorded rows say what every model would have scored and cost, so any choice can be played.
 */
import type { Environment } from './environment';

/** Requests of a session. */
export const sessionRequests = 8;

/** A recorded request, ready to be played. */
export interface SessionRow {
  /** What the state encoder makes of the request, at about unit size. */
  readonly features: Float32Array;
  /** Per model: 0..1, and USD. */
  readonly scores: readonly number[];
  readonly costsUsd: readonly number[];
}

export interface Session {
  /** `sessionRequests` of them. */
  readonly rows: readonly SessionRow[];
  readonly budgetUsd: number;
}

/** What is known before a session begins. */
export interface SessionWorld {
  /** Expected cost of a request, per model. */
  readonly costsUsd: readonly number[];
  /** Mean score over rows and models. */
  readonly typicalScore: number;
  /** Budgets lie between these. */
  readonly leastBudgetUsd: number;
  readonly mostBudgetUsd: number;
}

/** Budgets from what the cheapest model would cost throughout a session to what the dearest would. */
export function worldOf(rows: readonly SessionRow[]): SessionWorld {
  const models = rows[0]!.scores.length;
  const meanOf = (values: (row: SessionRow) => readonly number[], model: number): number =>
    rows.reduce((sum, row) => sum + values(row)[model]! / rows.length, 0);
  const each = Array.from({ length: models }, (_, model) => model);
  const costsUsd = each.map((model) => meanOf((row) => row.costsUsd, model));
  return {
    costsUsd,
    typicalScore: each.reduce((sum, model) => sum + meanOf((row) => row.scores, model) / models, 0),
    leastBudgetUsd: sessionRequests * Math.min(...costsUsd),
    mostBudgetUsd: sessionRequests * Math.max(...costsUsd),
  };
}

/** The budget at `share`, 0..1, of the way from the least to the most on a logarithmic scale. */
export function budgetAt({ leastBudgetUsd, mostBudgetUsd }: SessionWorld, share: number): number {
  return leastBudgetUsd * (mostBudgetUsd / leastBudgetUsd) ** share;
}

export interface SessionTask extends Environment {
  /** Starts this session instead of a random one. */
  start(session: Session): Float32Array;
  allowed(): Uint8Array;
}

/**
 * One action per model, allowed while its expected cost fits into what is left; the last action, no answer and score 0,
 * only when none fits. What a call really cost is taken off. The reward is what a score is above the typical one: scores
 * are high and close together.
 */
export function createSessions(rows: readonly SessionRow[], world: SessionWorld): SessionTask {
  const { costsUsd, typicalScore } = world;
  const models = costsUsd.length;
  let session: Session = { rows: [], budgetUsd: 0 };
  let at = 0;
  let leftUsd = 0;

  const observe = (): Float32Array => {
    // After the last request nobody looks.
    const { features } = session.rows[Math.min(at, sessionRequests - 1)]!;
    return Float32Array.from([
      ...features,
      ...budgetFeatures(costsUsd, session.budgetUsd, leftUsd, sessionRequests - at),
    ]);
  };
  const start = (given: Session): Float32Array => {
    session = given;
    at = 0;
    leftUsd = given.budgetUsd;
    return observe();
  };
  return {
    name: 'sessions',
    typicalObservation: new Array<number>(rows[0]!.features.length + 2 + 2 * models).fill(1),
    actions: models + 1,
    start,
    reset: (random) =>
      start({
        rows: Array.from({ length: sessionRequests }, () => rows[random.integer(rows.length)]!),
        budgetUsd: budgetAt(world, random.next()),
      }),
    allowed() {
      const fits = costsUsd.map((cost) => (cost <= leftUsd ? 1 : 0));
      return Uint8Array.from([...fits, fits.some((fit) => fit === 1) ? 0 : 1]);
    },
    step(action) {
      const { scores, costsUsd: charged } = session.rows[at]!;
      const answered = action < models;
      if (answered) leftUsd -= charged[action]!;
      at++;
      return {
        observation: observe(),
        reward: (answered ? scores[action]! : 0) - typicalScore,
        end: at === sessionRequests ? 'terminal' : 'none',
      };
    },
  };
}

/** How often a model could be paid is seen as ln(times) / `logScale`, within +-`mostLog`. */
const logScale = 2;
const mostLog = 3;

/** Requests left, share of the budget left, and how often each model could be paid: in all, and per request left. */
function budgetFeatures(
  costsUsd: readonly number[],
  budgetUsd: number,
  leftUsd: number,
  remaining: number,
): readonly number[] {
  const times = (ratio: number): number =>
    ratio > 0 ? Math.max(-mostLog, Math.min(mostLog, Math.log(ratio) / logScale)) : -mostLog;
  return [
    (2 * remaining) / sessionRequests - 1,
    (2 * Math.max(0, leftUsd)) / budgetUsd - 1,
    ...costsUsd.flatMap((cost) => [times(leftUsd / cost), times(leftUsd / cost / Math.max(1, remaining))]),
  ];
}

/** Whether a model costs no more than an even share of what is left, as the features say. False for the last action. */
export function withinEvenShare(features: Float32Array, { costsUsd }: SessionWorld, model: number): boolean {
  const at = features.length - 2 * costsUsd.length + 2 * model + 1;
  return model < costsUsd.length && features[at]! >= 0;
}
