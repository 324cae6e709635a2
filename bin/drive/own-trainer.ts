/**
 * The trainer without the other services, on a home that nobody else uses: folds what the log has, carries commands out,
 * writes what it decides, and leaves a checkpoint to go on from.
 */
import type { Emit, View } from '../../lib/stream/define-service';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import type { Log } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { ConfigApplied, WeightsAnswer, WeightsCommand } from '../../lib/topics/generated/messages';
import { readLast } from '../../lib/topics/read-last';
import { topics } from '../../lib/topics/topics';
import { createBlobStore } from '../../lib/weights/blob-store';
import { createFold } from '../../services/dqn-trainer/fold/create-fold';
import { readEvents } from '../../services/dqn-trainer/read-events';
import { Trainer } from '../../services/dqn-trainer/trainer';
import type { EngineHome } from '../../services/home';
import { declaredServices } from '../declared-services';

export interface OwnTrainer {
  /** Folds the log to its end. `onProgress` hears how many of how many offsets are done. */
  foldToEnd(onProgress?: (done: number, total: number) => void): Promise<void>;
  carryOut(command: WeightsCommand): Promise<WeightsAnswer>;
  /** Writes the last checkpoint. */
  stop(): Promise<void>;
}

/** A configuration must be in force. */
export async function startOwnTrainer(home: EngineHome, log: Log): Promise<OwnTrainer> {
  const { broker, keyValue, clock, topicPrefix, elapsedMs, encoder = null } = home;
  const declared = declaredServices().filter(({ group }) => group === 'dqn-trainer');
  // All topics of the trainer have one partition, whatever those of the request path have.
  await ensureServiceTopics(declared, { broker, topicPrefix, requestPathPartitions: 1 });
  const blobs = createBlobStore({ broker, keyValue, clock, log, topicPrefix });
  const trainer = new Trainer({
    broker,
    blobs,
    startFold: createFold('worker'),
    log,
    metrics: createMetrics(),
    clock,
    elapsedMs,
    topicPrefix,
    encoder,
  });
  const producer = broker.producer(`trainer-${home.createId()}`);
  const write = async (emits: readonly Emit[]): Promise<void> => {
    if (emits.length > 0) await producer.send(emits.map((emit) => recordOf(emit, topicPrefix)));
  };
  const applied = await readLast(broker, topics.config, topicPrefix);
  const context = () => ({ nowMs: clock.nowMs(), view: <T>() => viewOf(applied) as unknown as View<T> });
  let position = await trainer.resume();
  return {
    async foldToEnd(onProgress) {
      const from = position;
      const { end } = await broker.offsets({ topic: topicPrefix + topics.learningEvents.name, partition: 0 });
      for await (const batch of readEvents({ broker, topicPrefix }, from, end)) {
        await write(await trainer.train(batch, context(), write));
        position = batch.at(-1)!.offset + 1;
        onProgress?.(position - from, end - from);
      }
    },
    async carryOut(command) {
      const { codec, keyOf, name } = topics.weightsCommands;
      // For the record; the trainer of an engine that starts here finds the answer and passes it over.
      await producer.send([{ topic: topicPrefix + name, key: keyOf(command), value: codec.encode(command) }]);
      const emits = await trainer.obey([command], context());
      await write(emits);
      return emits.at(-1)!.value as WeightsAnswer;
    },
    async stop() {
      await write(await trainer.stop());
      await producer.close();
    },
  };
}

function recordOf({ topic, value, key }: Emit, topicPrefix: string) {
  return {
    topic: topicPrefix + topic.name,
    partition: 0,
    key: key ?? topic.keyOf(value as never),
    value: value === null ? null : topic.codec.encode(value as never),
  };
}

/** The table of configurations, as far as it has one row that does not change meanwhile. */
function viewOf(applied: ConfigApplied | null): View<ConfigApplied> {
  const rows = new Map(applied ? [['current', applied]] : []);
  return { get: (key) => rows.get(key), values: () => rows.values(), offset: -1 };
}
