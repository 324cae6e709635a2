/** Three models whose prices span a factor of 500, under a budget per request: steady, and with something changing on the way. */

import type { PolicyResult } from '../../policies/baselines';
import { singleModels, staticMix } from '../../policies/static-mix';
import { fourDigits } from '../../report/report-line';
import type { Workload } from '../../workloads/workload';
import { atLeast, atMost, type Bench, coldRuns, type Line, meanOver, type Run, readData, seedLine } from './bench';
import { newcomer, readPareto } from './cold-start';
import { meanOf } from './figures';
import { joinsLater, middleThird, priceChange, qualityDrop, withPrices } from './protocol';

/** USD per request, from all of it to the cheapest model, up to some of it to the dearest. */
export const budgetsUsd = [8e-5, 2.4e-4, 6.6e-4, 1.9e-3, 5.3e-3];
export const budgetsWhileChangingUsd = [3e-4, 6.6e-4, 1.9e-3];
/** For what the table has no bar of its own for. */
export const budgetsOtherwiseUsd = [2.4e-4, 6.6e-4, 1.9e-3];

const mostSpend = 1.05;
/** How far below the static mix a score may be. */
const mixTolerance = 0.006;
const leastRecovery = 0.97;

/** The second half of the stream, when the cold start has been paid for, against the static mix on the same rows. */
export async function steadyBudget(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `budget.${budgetUsd.toExponential()}`;
  return steadyLines(
    bench,
    name,
    await coldRuns(bench, name, await readPareto(bench), () => ({ budgetUsd })),
    budgetUsd,
  );
}

function steadyLines(
  bench: Bench,
  name: string,
  runs: readonly Run[],
  budgetUsd: number,
  { scoreBar = true } = {},
): Line[] {
  const halves = runs.map(({ between, rows }) => between(rows / 2, rows));
  const mixes = halves.map(({ matrix }) => staticMix(singleModels(matrix), budgetUsd));
  const firstHalfSpend = meanOver(runs, ({ between, rows }) => spendOf(between(0, rows / 2).router, budgetUsd));
  return [
    ...spendLines(
      bench,
      name,
      halves.map(({ router }) => spendOf(router, budgetUsd)),
      { firstHalfSpend },
    ),
    seedLine(
      bench,
      { name: `${name}.scoreOverStaticMix`, unit: 'score', ...(scoreBar && { bar: atLeast(-mixTolerance) }) },
      halves.map(({ router }, i) => router.meanScore - mixes[i]!.meanScore),
      {
        aim: 0,
        score: meanOver(halves, ({ router }) => router.meanScore),
        staticMix: meanOver(mixes, (mix) => mix.meanScore),
        staticMixCostUsd: meanOver(mixes, (mix) => mix.meanCostUsd),
        shares: sharesOf(halves.map(({ router }) => router)),
      },
    ),
  ];
}

const cheap = 'meta-llama/llama-3.1-8b-instruct';
export const middling = 'mistralai/mistral-large-2512';
const dear = 'google/gemini-2.5-pro';
/** USD per million tokens when the data was recorded. */
export const listPrices = {
  [cheap]: { input: 0.1, output: 0.1 },
  [middling]: { input: 0.5, output: 1.5 },
  [dear]: { input: 1.25, output: 10 },
};
/** The dearest model for the price of the cheapest, as in the published experiment; calls cost less in proportion. */
export const dropped = { model: dear, input: 0.1, output: 0.1, costFactor: (0.1 + 0.1) / (1.25 + 10) };

/** Announced through the configuration, so the catalogue prices must be known from the start. */
export async function priceDrop(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `priceDrop.${budgetUsd.toExponential()}`;
  const workload = withPrices(await readPareto(bench), listPrices);
  const runs = await coldRuns(bench, name, workload, (shuffled) => ({
    budgetUsd,
    workload: priceChange(shuffled, dropped),
  }));
  return recoveryLines(bench, name, runs, budgetUsd);
}

/** The model that most requests go to, four times as dear. */
const risen = { model: middling, input: 4 * 0.5, output: 4 * 1.5, costFactor: 4 };

/** Announced as the drop is. While it lasts the budget buys much less; spending must hold all the same. */
export async function priceRise(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `priceRise.${budgetUsd.toExponential()}`;
  const workload = withPrices(await readPareto(bench), listPrices);
  const runs = await coldRuns(bench, name, workload, (shuffled) => ({
    budgetUsd,
    workload: priceChange(shuffled, risen),
  }));
  return recoveryLines(bench, name, runs, budgetUsd);
}

/** Mean score of the degraded model in the published experiment, about 18 % below normal. */
export const droppedScore = 0.75;

/** Nobody announces it, and prices are not known either: everything must be found from outcomes. */
export async function silentQualityDrop(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `qualityDrop.${budgetUsd.toExponential()}`;
  const workload = await readPareto(bench);
  const scoreFactor = droppedScore / meanScoreOf(workload, middling);
  const runs = await coldRuns(bench, name, workload, (shuffled) => ({
    budgetUsd,
    workload: qualityDrop(shuffled, { model: middling, scoreFactor }),
  }));
  return recoveryLines(bench, name, runs, budgetUsd);
}

function recoveryLines(bench: Bench, name: string, runs: readonly Run[], budgetUsd: number): Line[] {
  const thirds = runs.map(({ between, rows }) => {
    const { from, to } = middleThird(rows);
    return { first: between(0, from), middle: between(from, to), last: between(to, rows) };
  });
  const mixIn = (third: 'first' | 'middle' | 'last') =>
    meanOver(thirds, (run) => staticMix(singleModels(run[third].matrix), budgetUsd).meanScore);
  const scoreIn = (third: 'first' | 'middle' | 'last') => meanOver(thirds, (run) => run[third].router.meanScore);
  return [
    seedLine(
      bench,
      { name: `${name}.lastOverFirst`, unit: 'share', bar: atLeast(leastRecovery) },
      thirds.map(({ first, last }) => last.router.meanScore / first.router.meanScore),
      {
        aim: 0.985,
        first: scoreIn('first'),
        middle: scoreIn('middle'),
        last: scoreIn('last'),
        staticMixFirst: mixIn('first'),
        staticMixMiddle: mixIn('middle'),
        staticMixLast: mixIn('last'),
        sharesFirst: sharesOf(thirds.map(({ first }) => first.router)),
        sharesMiddle: sharesOf(thirds.map(({ middle }) => middle.router)),
        sharesLast: sharesOf(thirds.map(({ last }) => last.router)),
      },
    ),
    ...(['first', 'middle', 'last'] as const).flatMap((third) => {
      const spends = thirds.map((run) => spendOf(run[third].router, budgetUsd));
      // The middle third is no promise: only what was before the change and what comes back after it.
      if (third === 'middle') return [seedLine(bench, { name: `${name}.middle.spend`, unit: 'of budget' }, spends)];
      return spendLines(bench, `${name}.${third}`, spends);
    }),
  ];
}

/** How far off the catalogue is: the dear model is announced at a quarter of its price, the cheap one at four times it. */
const wrongPrices = {
  [cheap]: { input: 4 * 0.1, output: 4 * 0.1 },
  [middling]: { input: 0.5, output: 1.5 },
  [dear]: { input: 1.25 / 4, output: 10 / 4 },
};

export async function wrongCatalogue(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `wrongPrices.${budgetUsd.toExponential()}`;
  const workload = withPrices(await readPareto(bench), wrongPrices);
  return steadyLines(bench, name, await coldRuns(bench, name, workload, () => ({ budgetUsd })), budgetUsd);
}

/** Requests that are answered, but not yet reported, at any time. */
const delayedRequests = 50;

export async function delayedFeedback(bench: Bench, budgetUsd: number): Promise<Line[]> {
  const name = `delayed.${budgetUsd.toExponential()}`;
  const workload = withPrices(await readPareto(bench), listPrices);
  const runs = await coldRuns(bench, name, workload, () => ({ budgetUsd, feedbackAfter: () => delayedRequests }));
  // Spending is the promise; what late news costs in quality is shown without a bar.
  return steadyLines(bench, name, runs, budgetUsd, { scoreBar: false });
}

/** The fourth model is configured after a third of the stream; null: no budget. */
export async function newcomerJoins(bench: Bench, budgetUsd: number | null): Promise<Line[]> {
  const name = `newcomer.${budgetUsd?.toExponential() ?? 'noBudget'}`;
  const runs = await coldRuns(bench, name, await readData(bench, 'paretobandit-val'), (shuffled) => ({
    budgetUsd,
    workload: joinsLater(shuffled, newcomer),
  }));
  const joinedAt = runs.map(({ rows }) => middleThird(rows).from);
  const shareIn = (from: number, to: number): number =>
    meanOf(
      runs.map(({ choices }, i) => {
        const played = choices.slice(joinedAt[i]! + from, joinedAt[i]! + to);
        return played.filter((model) => model === newcomer).length / played.length;
      }),
    );
  const after = runs.map(({ between, rows }, i) => between(joinedAt[i]!, rows).router);
  const before = runs.map(({ between }, i) => between(0, joinedAt[i]!).router);
  const lines = [
    seedLine(
      bench,
      { name: `${name}.gain`, unit: 'score', bar: atLeast(0) },
      after.map(({ meanScore }, i) => meanScore - before[i]!.meanScore),
      {
        before: meanOf(before.map(({ meanScore }) => meanScore)),
        after: meanOf(after.map(({ meanScore }) => meanScore)),
        newcomerFirst100: shareIn(0, 100),
        newcomerLastThird: shareIn(joinedAt[0]!, 2 * joinedAt[0]!),
        sharesAfter: sharesOf(after),
      },
    ),
  ];
  if (budgetUsd === null) return lines;
  return [
    ...lines,
    ...spendLines(
      bench,
      `${name}.after`,
      after.map((result) => spendOf(result, budgetUsd)),
    ),
  ];
}

/** A budget is a promise for every run: the mean over seeds has a bar, and so has the worst seed. */
function spendLines(bench: Bench, name: string, spends: readonly number[], details = {}): Line[] {
  const bar = atMost(mostSpend);
  return [
    seedLine(bench, { name: `${name}.spend`, unit: 'of budget', bar }, spends, details),
    {
      name: `${name}.spendWorstSeed`,
      value: Math.max(...spends),
      unit: 'of budget',
      bar,
      details: { path: bench.path, seeds: spends.length },
    },
  ];
}

function spendOf({ meanCostUsd }: PolicyResult, budgetUsd: number): number {
  return (meanCostUsd ?? 0) / budgetUsd;
}

/** Mean share of requests per model, in the order of the data. */
function sharesOf(results: readonly PolicyResult[]): number[] {
  return results[0]!.shares.map((_, m) => fourDigits(meanOf(results.map(({ shares }) => shares[m]!))));
}

export function meanScoreOf(workload: Workload, model: string): number {
  const scores = Array.from({ length: workload.rows }, (_, i) => workload.row(i).outcomes.get(model)?.score ?? []);
  return meanOf(scores.flat());
}
