/** The reasoning of a decision: two or three sentences a person can read, from what was pinned and judged. */
import { coldStartRewards } from '../../learning/fold/cold-start';
import type { Candidate, Degradation, GoodSet, RouteOpened, ThreadScore } from '../../topics/generated/messages';
import { declaredChoice } from '../judge/declared';
import { learnedStrategy } from '../judge/strategies/strategies';
import { leadingParts } from '../open/complexity';
import { isLifted } from '../open/eligibility';
import type { Collapsed } from './collapse/collapsed';
import type { Draw } from './draw';

export interface Explained {
  readonly opened: RouteOpened;
  readonly collapsed: Collapsed;
  readonly draw: Draw;
  readonly threads: readonly ThreadScore[];
  /** Those of the threads that collapse judged itself, since none answered. */
  readonly standIns: readonly ThreadScore[];
  /** Whether a cached judgement was used. */
  readonly hit: boolean;
  readonly collapse: string;
  readonly degradedTo: Degradation;
  readonly goodSet: GoodSet | null;
}

export function explainDecision(decision: Explained): string {
  return (
    choice(decision) +
    further(byRule(decision)) +
    further(comparison(decision)) +
    further(complexity(decision)) +
    further(staying(decision)) +
    further(pacing(decision)) +
    further(trouble(decision.threads)) +
    further(degradation(decision))
  );
}

function further(sentence: string): string {
  return sentence === '' ? '' : ` ${sentence}`;
}

function choice({ opened, collapsed, draw, collapse, threads, hit }: Explained): string {
  const { model, provider } = opened.candidates[draw.chosen]!;
  const strategy = collapsed.leadingStrategy;
  const leading =
    opened.strategies.length === 1 && opened.strategies[0] === strategy
      ? strategy
      : `${strategy}, leading in ${collapse}`;
  const judged = !hit
    ? leading
    : opened.cached
      ? `a cached judgement led by ${strategy}`
      : `${leading}, by cached values`;
  const why = unlearned(opened, threads, strategy);
  const probability = `probability ${short(draw.propensities[draw.chosen]!)}`;
  if (why !== null) {
    return `${model} (${provider}) answers this ${opened.taskType} request by ${judged}: ${why}, ${unlearnedWay(opened, draw)}, with ${probability}.`;
  }
  return draw.explored
    ? `${model} (${provider}) was drawn to explore, with ${probability}; the favourite came from ${judged}.`
    : `${model} (${provider}) was chosen for this ${opened.taskType} request by ${judged}, with ${probability}.`;
}

/** What the configuration's rule made of the set of risk, where it decided. */
function byRule({ goodSet }: Explained): string {
  if (goodSet === null || goodSet.taken === null) return '';
  const set = `${goodSet.models.length} of the candidates may be good enough (coverage ${goodSet.coverage})`;
  return goodSet.taken === 'cheapest'
    ? `${set}; the rule takes the cheapest of them.`
    : `${set}; so many are too many, and the rule takes the safe one.`;
}

/** How a request is routed while nothing is learned. */
function unlearnedWay(opened: RouteOpened, draw: Draw): string {
  const declared = declaredChoice(opened);
  if (declared < 0) return 'drawn at random';
  return draw.chosen === declared
    ? 'routed by what the configuration declares'
    : 'drawn to explore beside what the configuration declares';
}

/** Why the learned strategy, where it leads, had nothing to choose by; null where it had, or another leads. */
function unlearned(opened: RouteOpened, threads: readonly ThreadScore[], leading: string): string | null {
  if (leading !== learnedStrategy) return null;
  const { learnedRewards } = opened.tuning;
  const needed = coldStartRewards(opened.candidates.length, opened.rewardsPerModel);
  const progress = `${learnedRewards} of ${needed} rewards`;
  if (learnedRewards === 0) return `nothing learned yet (${progress})`;
  if (learnedRewards < needed) return `too little learned yet (${progress})`;
  const isCold = threads.some(({ strategy, coldStart }) => strategy === leading && coldStart);
  return isCold ? 'no learned weights were known when it came' : null;
}

/** Against the best other candidate. */
function comparison({ opened, collapsed, draw }: Explained): string {
  const described = `It is expected to reach ${expectations(opened, collapsed, draw.chosen)}`;
  let rival = -1;
  for (let i = 0; i < opened.candidates.length; i++) {
    if (i === draw.chosen || !opened.candidates[i]!.eligible) continue;
    if (rival < 0 || collapsed.utilities[i]! > collapsed.utilities[rival]!) rival = i;
  }
  if (rival < 0) return `${described}; no other candidate was eligible.`;
  return `${described}, against ${expectations(opened, collapsed, rival)} of ${opened.candidates[rival]!.model}.`;
}

/** How complex the request is and by what, and for how many models that is too much. */
function complexity({ opened: { complexity: known, candidates } }: Explained): string {
  if (known === null) return '';
  const leading = known.housekeeping ? ['housekeeping'] : leadingParts(known);
  const by = leading.length > 0 ? ` (${leading.join(', ')})` : '';
  let shutOut = 0;
  for (let i = 0; i < candidates.length; i++) if (candidates[i]!.ineligibleReason?.startsWith('complexity:')) shutOut++;
  const limited = shutOut > 0 ? `, too much for ${shutOut} of the models by complexityLimits` : '';
  return `Complexity ${short(known.value)}${by}${limited}.`;
}

/** What leaving the model of the session costs, or would have. */
function staying({ opened: { warmCache, candidates }, draw }: Explained): string {
  if (warmCache === null) return '';
  const { model, tokens, savedUsd } = warmCache;
  const isStaying = candidates[draw.chosen]!.model === model;
  const saved = `$${short(savedUsd)} for ${tokens} tokens that ${isStaying ? 'it' : model} has in its prompt cache`;
  return isStaying ? `Staying with it saves ${saved}.` : `That gives up ${saved}.`;
}

/** Whose spending is ahead of its pace, so that cost counts for more. */
function pacing({ opened: { budgets } }: Explained): string {
  if (budgets.length === 0) return '';
  const ahead = budgets.filter(({ pricePerUsd }) => pricePerUsd > 0).map(({ budget }) => budget);
  if (ahead.length === 0) return '';
  return `More is spent of ${ahead.join(' and ')} than its pace allows by now, so cost counts for more.`;
}

function expectations(opened: RouteOpened, collapsed: Collapsed, index: number): string {
  const candidate = opened.candidates[index]!;
  const cost = candidate.expectedCostUsd > 0 ? ` for $${short(candidate.expectedCostUsd)}` : '';
  return `quality ${short(collapsed.qualities[index]!)}${cost} in ${Math.round(candidate.expectedLatencyMs)} ms`;
}

function trouble(threads: readonly ThreadScore[]): string {
  if (threads.every((thread) => thread.status === 'SUCCESS')) return '';
  const dead = threads.filter((thread) => thread.status !== 'SUCCESS');
  const named = dead.map((thread) =>
    thread.status === 'TIMEOUT' ? `${thread.strategy} (timed out)` : `${thread.strategy} (${thread.error ?? 'failed'})`,
  );
  return `Without ${named.join(', ')}.`;
}

function degradation({ opened, degradedTo, draw, standIns }: Explained): string {
  const chosen = opened.candidates[draw.chosen]!;
  const why = whyLeastBad(chosen);
  const lifted = isLifted(chosen) ? `No candidate ${why}; this is one of the least bad.` : '';
  const overdue = opened.strategies.length === 0 ? ' because the request was overdue' : '';
  const asked = standIns.map(({ strategy }) => strategy).filter((strategy) => opened.strategies.includes(strategy));
  const here = asked.length > 0 ? `: no thread answered in time, and ${asked.join(', ')} judged without one` : '';
  const step = degradedTo === 'NONE' ? '' : `Degraded to ${degradedTo}${overdue}${here}.`;
  return [lifted, step].filter(Boolean).join(' ');
}

/** What nobody is, where this candidate was let in. Its health says it where the record is from before bars were pinned. */
function whyLeastBad({ bar, health }: Candidate): string {
  if (bar?.kind === 'slowTail') return 'is always fast enough';
  const isHealthy = bar === null ? health === 'CLOSED' : bar.field !== 'health';
  return isHealthy ? 'can take more now' : 'is healthy';
}

/** Two significant digits, or three decimals above one. */
function short(value: number): string {
  return String(Number(Math.abs(value) >= 1 ? value.toFixed(3) : value.toPrecision(2)));
}
