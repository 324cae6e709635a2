import { topics } from '../../../../lib/topics/topics';
import { packBatch, unpackBatch } from '../../../../services/dqn-trainer/fold/fold-messages';
import { learningEvents } from '../records';

const { codec } = topics.learningEvents;

test('events travel as they were read, and are written anew where they were not, or in another version', () => {
  const [read, made, older] = learningEvents(0, 3);
  // Differs from what the event would be written as: the thread is to have what was read.
  const bytes = codec.encode({ ...read!, taskType: 'as it was read' });
  const ofAnotherVersion = codec.encode({ ...older!, taskType: 'of a version that the thread may not know' });
  ofAnotherVersion.writeInt32BE(900_001, 1);
  const batch = [
    { event: read!, offset: 7, bytes },
    { event: made!, offset: 8 },
    { event: older!, offset: 9, bytes: ofAnotherVersion },
  ];
  expect(unpackBatch(packBatch(batch))).toEqual([
    { event: { ...read!, taskType: 'as it was read' }, offset: 7 },
    { event: made!, offset: 8 },
    { event: older!, offset: 9 },
  ]);
});
