/** A fold with a place for a trial beside it: what is folded in is evidence, too. */
import type { Fold, TrainerFold } from './fold/fold';
import type { FoldBatch, FoldSettings } from './fold/fold-settings';
import { Trial, type TrialVerdict } from './trial';

export function withTrial(fold: Fold, settings: FoldSettings): TrainerFold {
  let trial: Trial | null = null;
  return {
    eventOffset: fold.eventOffset,
    replayFromOffset: fold.replayFromOffset,
    reload: (batch) => fold.reload(batch),
    checkpoint: () => fold.checkpoint(),
    close: () => fold.close(),
    async apply(batch: FoldBatch) {
      const folded = await fold.apply(batch);
      if (!trial) return { ...folded, verdict: null, threadMs: null };
      try {
        for (const output of folded.outputs) if (output.kind === 'tuning') trial.noteTuning(output.tuning);
        trial.add(batch);
        return { ...folded, verdict: trial.dueVerdict(), threadMs: null };
      } catch (error) {
        // Training goes on whatever becomes of a trial: the candidate waits until somebody decides.
        trial = null;
        return { ...folded, verdict: failed(error as Error), threadMs: null };
      }
    },
    async tryCandidate(setup) {
      trial = null;
      if (setup) trial = new Trial(setup, settings);
    },
    async addEvidence(batch) {
      trial?.add(batch);
      trial?.skipPassedLooks();
    },
    judge: async () => trial?.judge() ?? null,
  };
}

function failed({ message }: Error): TrialVerdict {
  return { verdict: 'refuse', reason: `the trial failed: ${message}`, isWorse: false, isLast: false, figures: {} };
}
