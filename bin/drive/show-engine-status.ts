/** How an engine of this process is doing, on one line: decisions, how fast, what they are worth, how far learning is behind, the models chosen most. */
import { shortFigure, startProgress } from '../../lab/report/progress';
import type { Counterfactuals } from '../../lib/analytics/counterfactuals';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { StatusLine } from '../../lib/terminal/status-line';
import type { Engine } from '../../services/engine';
import type { Io } from '../io';

/** Where there is no terminal, while something is decided. */
export const engineLineEveryMs = 60_000;

const lookEveryMs = 1_000;
/** Judging other policies takes a thread some hundred milliseconds. */
const judgeEveryMs = 60_000;
const dayMs = 24 * 3_600_000;
const maxJudgedEvents = 20_000;

/** Returns what takes the line away. Nothing is shown before the first decision. */
export function showEngineStatus(io: Io, engine: Engine, line: StatusLine): () => void {
  const { clock } = io;
  const progress = startProgress({ line, clock, total: null });
  const worth = watchWorth(engine, clock);
  let isHidden = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const counts = await chosenModels(engine.metrics);
    const lagSeconds = await engine.metrics.value('quantum_router_learning_lag_seconds', {});
    if (isHidden) return;
    const done = [...counts.values()].reduce((sum, count) => sum + count, 0);
    worth.look();
    const figures = [...worth.words(), `lag ${lagSeconds.toFixed(1)} s`];
    if (done > 0) progress.update({ done, figures, counts });
    cancel = clock.setTimer(lookEveryMs, () => void look());
  };
  void look();
  return () => {
    isHidden = true;
    cancel();
    progress.finish();
  };
}

async function chosenModels(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { labels, value } of await metrics.readings('quantum_router_decisions_total')) {
    const { model = '' } = labels;
    counts.set(model, (counts.get(model) ?? 0) + value);
  }
  return counts;
}

/** What the router gains on static rules, judged off-policy anew while new rewards come. */
function watchWorth(engine: Engine, clock: Io['clock']) {
  let judgedAtMs = Number.NEGATIVE_INFINITY;
  let judgedRewards = 0;
  let gained: number | null = null;
  return {
    look(): void {
      const rewards = engine.learnedRewards();
      const nowMs = clock.monotonicMs();
      if (engine.judge === null || rewards === judgedRewards || nowMs - judgedAtMs < judgeEveryMs) return;
      judgedAtMs = nowMs;
      judgedRewards = rewards;
      const toMs = clock.nowMs() + 1;
      const range = { fromMs: toMs - dayMs, toMs, asOfMs: toMs, maxEvents: maxJudgedEvents };
      engine.judge({ ...range, routerUsdPerDecision: 0, withPrevious: false }).then(
        (judged) => {
          gained = gainedOnRules(judged);
        },
        // Other questions are being answered: it is asked again in its time.
        () => {},
      );
    },
    words: (): string[] =>
      gained === null ? [] : [`quality ${gained >= 0 ? '+' : ''}${shortFigure(gained)} on rules`],
  };
}

/** Null where the log cannot tell. */
function gainedOnRules({ policies }: Counterfactuals): number | null {
  return policies.find(({ kind }) => kind === 'static-rules')?.qualityGained?.value ?? null;
}
