import { fitBasis, maxClusters, phiSize, writeBasis } from '../../../../lib/learning/features/basis';
import { contextColumns, contextSize, contextVersion } from '../../../../lib/learning/features/context';
import { encoderVersion } from '../../../../lib/learning/features/encode';
import { partsOf } from '../../../../lib/learning/features/parts';
import { taskSlotOf, taskSlots } from '../../../../lib/learning/features/task-slot';
import { sha256Of } from '../../../../lib/learning/fold/blob';
import { initialParameters } from '../../../../lib/learning/rl/network';
import { headCount, weightRows } from '../../../../lib/learning/value/linear-half';
import { featuresOf, parsePolicy, writePolicy } from '../../../../lib/learning/value/policy';
import { seededRandom } from '../../../../lib/random/seeded';
import { taskTypes } from '../../../../lib/routing/open/infer-task';
import { callerFields, featureFields, noTuning, openedOf, toyPrompt } from '../toy-world';

const random = seededRandom(3, 'parts');
const tasks = [taskTypes[0]!, taskTypes[1]!];

/** Half of the rows cost something else and are of another task. */
function rowsOf(describe: () => ReturnType<typeof featureFields>) {
  return Array.from({ length: 40 }, (_, i) => {
    const context = new Float32Array(contextSize);
    context[0] = contextVersion;
    context[1 + contextColumns.indexOf('costWeight')] = i % 2;
    context[1 + contextColumns.indexOf('costSlack')] = random.normal();
    return { ...featuresOf({ ...describe(), taskType: tasks[i % 2]! }), context };
  });
}

test.each([
  ['a text', () => featureFields(toyPrompt('code', random)), ['wording', 'shape', 'task', 'limits', 'preference']],
  [
    'the vector of a caller',
    () => callerFields([random.normal(), random.normal()]),
    ['vector', 'task', 'limits', 'preference'],
  ],
])('what is seen of %s is of one part each, and all of it of some', (_, describe, names) => {
  const basis = fitBasis(rowsOf(describe), encoderVersion, null, random);
  const parts = partsOf(basis);
  expect(parts.map(({ name }) => name)).toEqual(names);
  expect(parts.flatMap(({ columns }) => columns)).toEqual(Array.from({ length: basis.xSize }, (_, i) => i));
});

test('without the part that decides all requests are judged alike, and without any other as ever; places are of the texts', () => {
  const basis = fitBasis(
    rowsOf(() => featureFields(toyPrompt(random.next() < 0.5 ? 'code' : 'prose', random))),
    encoderVersion,
    null,
    random,
  );
  const bytes = writeBasis(basis);
  const size = phiSize(basis);
  // Model b is better where the task is the second one, and worse where it is the first.
  const taskColumn = 1 + maxClusters + basis.xSize - basis.contextColumns.length - taskSlots;
  const linear = new Float32Array(2 * weightRows * size);
  for (let row = 0; row <= headCount; row++) linear[(weightRows + row) * size + taskColumn + taskSlotOf(tasks[1]!)] = 8;
  const policy = writePolicy({
    ...{ models: ['a', 'b'], pulls: [50, 50], joinedLate: [false, false], watched: [0, 0], learnedRewards: 100 },
    ...{ rewardMean: 0.5, rewardDeviation: 0.1, hasLinear: true, hidden: 16, basisSha256: sha256Of(bytes) },
    ...{ armMeans: new Float32Array(2), shared: new Float32Array(size), linear },
    network: initialParameters({ inputs: basis.xSize, hidden: 16, actions: 2, heads: headCount }, random),
  });
  const { judge, study } = parsePolicy(bytes, policy, {
    policySha256: sha256Of(policy),
    basisSha256: sha256Of(bytes),
  });
  const tuning = { ...noTuning, learnedRewards: 100, neuralWeight: 0 };
  const opened = tasks.map((taskType) => openedOf({ ...featureFields('river evening'), taskType, tuning }, ['a', 'b']));
  expect(opened.map((one) => judge(one).probabilities.map(Math.round))).toEqual([
    [1, 0],
    [0, 1],
  ]);
  for (const part of study!.parts.filter((name) => name !== 'task'))
    expect(opened.map((one) => study!.judgeWithout(part, one).qualities)).toEqual(
      opened.map((one) => judge(one).qualities),
    );
  const [one, other] = opened.map((asked) => study!.judgeWithout('task', asked).qualities);
  expect(one).toEqual(other);
  expect(study!.placeOf(opened[0]!)).toEqual({ cluster: expect.any(Number), shape: expect.any(Array) });
  expect(study!.placeOf(opened[0]!)!.cluster).toBeLessThan(basis.clusters);
  expect(study!.placeOf(openedOf({ ...callerFields([1, 2]), tuning }, ['a', 'b']))).toBeNull();
});
