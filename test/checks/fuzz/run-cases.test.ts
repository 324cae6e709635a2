import type { Finding } from '../../../checks/fuzz/findings';
import { createOwnTime } from '../../../checks/fuzz/own-time';
import { runCases } from '../../../checks/fuzz/run-cases';
import type { Surface } from '../../../checks/fuzz/surfaces';

/** Longer than a good request may take; the thread itself is kept, so that no other work of the machine explains it. */
const blockedMs = 1_500;

const ways: Readonly<Record<string, () => void>> = {
  working() {
    const ownMs = createOwnTime();
    const startMs = ownMs();
    while (ownMs() - startMs < blockedMs);
  },
  waiting() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs);
  },
};

/** Cases that do nothing, but for the `culprit`: right after its own answer it keeps the event loop, whenever it runs. */
const surfaceWith = (culprit: number, block: () => void): Surface => ({
  whatIs: (_, index) => `case ${index}`,
  async run(_, index) {
    if (index === culprit) setImmediate(block);
    return { faults: [], partition: null };
  },
  isConfigChanged: () => false,
  settle: async () => [],
});

test.each(['working', 'waiting'])('a case that keeps others from being answered by %s is named', async (way) => {
  const findings: Finding[] = [];
  const asked: number[] = [];
  await runCases({
    surface: 'http',
    surfaceOf: async () => surfaceWith(4, ways[way]!),
    seed: 1,
    from: 2,
    to: 7,
    fronts: { kafka: null, topicPrefix: '' },
    onCase: () => {},
    onFinding: (finding) => findings.push(finding),
    onGoodAnswer: (index) => asked.push(index),
  });
  expect(findings).toEqual([
    expect.objectContaining({
      kind: expect.stringContaining('later than the one before'),
      what: 'case 4',
      reproduce: 'make fuzz SURFACE=http SEED=1 FROM=4 CASES=1',
    }),
  ]);
  expect(asked).toEqual([2, 3, 4, 5, 6]);
});

test('a case that makes a good request come back wrong is named though the next looks are far away', async () => {
  const findings: Finding[] = [];
  await runCases({
    surface: 'http',
    // The engine is stopped behind it, so that nothing is answered any more.
    surfaceOf: async (under) => ({
      ...surfaceWith(-1, () => {}),
      async run(_, index) {
        if (index === 1) await under.close();
        return { faults: [], partition: null };
      },
    }),
    seed: 1,
    from: 0,
    to: 3,
    fronts: { kafka: null, topicPrefix: '' },
    onCase: () => {},
    onFinding: (finding) => findings.push(finding),
    onGoodAnswer: () => {},
  });
  expect(findings.map(({ what }) => what)).toEqual(['case 1']);
  expect(findings[0]!.kind).toMatch(/^a good request is /);
});
