import { defineService, process, type ServiceDefinition } from '../../lib/stream/define-service';
import type { ConfigApplied, LearningEvent, WeightsCommand } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { type DqnTrainerOptions, Trainer } from './trainer';

export type { DqnTrainerOptions } from './trainer';

const written = [
  topics.weightsBlobs,
  topics.weightsPublished,
  topics.weightsVersions,
  topics.weightsAnswers,
  topics.tuning,
  topics.trainerCheckpoint,
];
/** What has gathered is folded in portions anyway. More at once are fewer turns of a thread that is busy with decisions. */
const maxBatchRecords = 2_000;

/** The one place that learns. Keeps its own position, in its checkpoints. */
export function createDqnTrainer(options: DqnTrainerOptions): ServiceDefinition {
  const trainer = new Trainer(options);
  return defineService({
    group: 'dqn-trainer',
    lingerMs: 20,
    maxBatchRecords,
    inputs: [
      process<LearningEvent>(topics.learningEvents, (batch, context, write) => trainer.train(batch, context, write), {
        startAt: () => trainer.resume(),
        onStop: () => trainer.stop(),
        onLost: () => trainer.lose(),
        onPutAside: (offset) => trainer.skip(offset),
      }),
      process<WeightsCommand>(topics.weightsCommands, (batch, context) =>
        trainer.obey(
          batch.map(({ event }) => event),
          context,
        ),
      ),
      // A view wakes nobody: a new lineage must not wait for somebody to judge an answer.
      process<ConfigApplied>(topics.config, async (_batch, context) => {
        await trainer.lookAtConfig(context);
        return [];
      }),
    ],
    views: [topics.config],
    // At its start it reads what an earlier life has written, and goes on from there.
    reads: written,
    // Into its own log it writes how much of it is learned from.
    outputs: [...written, topics.learningEvents],
  });
}
