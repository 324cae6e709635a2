/**
 * Garbage in every table and changelog, a configuration that is none among it, and every service killed on top: the next
 * start reads the tables from their beginning, and must put aside what it cannot read.
 */
import type { Producer } from 'kafkajs';
import { topics } from '../../lib/topics/topics';
import { isGateway } from './cluster';
import type { Stage } from './scenario';

const rubbish: readonly (readonly [name: string, key: string | null, value: Buffer | null])[] = [
  ['not Avro', 'garbage', Buffer.from('not avro at all')],
  ['of an unknown schema', 'garbage', Buffer.from([0, 0, 13, 187, 165, 1, 2, 3])],
  ['empty', '__proto__', Buffer.alloc(0)],
  ['without a key', null, Buffer.from('no key')],
];

/** Resolves with what is wrong, in words. */
export async function throwAtTables(stage: Stage, foreign: Producer): Promise<string[]> {
  const { cluster, say } = stage;
  for (const topic of Object.values(topics)) {
    if (topic.kind !== 'table') continue;
    const partitions = topic.partitions === 'one' ? 1 : cluster.partitions;
    for (let partition = 0; partition < partitions; partition++) {
      for (const [, key, value] of rubbish) {
        // A broker refuses a record without a key where it compacts: then nobody ever reads it.
        await foreign.send({ topic: topic.name, messages: [{ partition, key, value }] }).catch(() => {});
      }
    }
  }
  // The record of the configuration itself is taken back.
  await foreign.send({ topic: topics.config.name, messages: [{ partition: 0, key: 'current', value: null }] });
  const faults: string[] = [];
  // Callers ask the other gateway where one is gone, so one of them is killed when the rest are back.
  const [last, ...others] = [...cluster.processes.ids].sort((a, b) => Number(isGateway(b)) - Number(isGateway(a)));
  for (const wave of [others, [last!]]) {
    await Promise.all(wave.map((id) => cluster.processes.kill(id)));
    say(`garbage in their tables: ${wave.join(', ')} were killed`);
    await Promise.all(
      wave.map((id) => cluster.processes.untilReady(id).catch((error: Error) => faults.push(error.message))),
    );
    if (faults.length > 0) break;
    say('all are back');
  }
  return faults;
}
