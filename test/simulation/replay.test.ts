import { configAt, publishedAt, retrain } from '../../bin/drive/replay-retrain';
import { verifyRange } from '../../bin/drive/replay-verify';
import { simulate } from '../../checks/simulation';
import { configFromJson } from '../../lib/config/parse-config';
import type { LocatedDifference } from '../../lib/replay/verify';
import { createLog } from '../../lib/telemetry/log';
import { topics } from '../../lib/topics/topics';
import { foldSettingsOf } from '../../services/dqn-trainer/fold/fold';

// Another seed: SEED=7 npx jest --selectProjects simulation
const seed = Number(process.env['SEED'] ?? 1);

test.each([
  [['separate']],
  [['chained']],
  // One log, written by both.
  [['separate', 'chained']],
] as const)(
  `a log with faults in it, written %j, comes out as it was recorded, learned threads and weights too (seed ${seed})`,
  async (placements) => {
    const { broker, decisions, duplicateDecisions } = await simulate({ seed, requests: 200, crashes: 3, placements });
    const differences: LocatedDifference[] = [];
    const { signal } = new AbortController();
    const verified = await verifyRange({
      home: { broker, topicPrefix: '' },
      from: { kind: 'earliest' },
      to: { kind: 'end' },
      partition: null,
      withLearned: true,
      log: createLog({ level: 'silent' }),
      onDifference: (difference) => differences.push(difference),
      onProgress: () => {},
      signal,
    });
    expect(differences).toEqual([]);
    expect(verified).toMatchObject({ decisions, verified: decisions, duplicates: duplicateDecisions, outsideRange: 0 });
    expect(verified.threads).toMatchObject({ different: 0, skipped: 0, unverifiable: 0 });
    expect(verified.threads.recomputed).toBeGreaterThan(decisions);

    const log = { broker, topicPrefix: '' };
    const { earliest: from, end: to } = await broker.offsets({ topic: topics.learningEvents.name, partition: 0 });
    const { applied } = await configAt(log, { from, to });
    const settings = foldSettingsOf(configFromJson(applied.json));
    const again = () =>
      retrain({ ...log, span: { from, to }, settings, lateOutcomes: true, onProgress: () => {}, signal });
    const retrained = await again();
    // The trainer crashed and resumed in between, and published the same.
    const { policySha256 } = (await publishedAt(log, retrained.weights!.toOffset))!;
    expect(retrained.weights!.policy.sha256).toBe(policySha256);
    expect(await again()).toEqual(retrained);
  },
);
