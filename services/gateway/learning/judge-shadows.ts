/**
 * What the configured shadows would have drawn with on the newest requests. A shadow of ours is a function of the opened
 * request and of immutable weights, so it is asked when somebody wants to know; what a program of somebody else's has said
 * lies in `strategy.scored`.
 */
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import { type Shadow, type ShadowTargets, shadowDraw } from '../../../lib/analytics/shadow-targets';
import { validateConfig } from '../../../lib/config/parse-config';
import type { RouterConfig, ShadowConfig } from '../../../lib/config/router-config';
import { readOpened } from '../../../lib/replay/read-opened';
import { decoded } from '../../../lib/replay/record-window';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { WeightsPointer } from '../../../lib/routing/judge/weights-source';
import type { ConfigVersion, StrategyScored } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { KnownWeights } from '../../../lib/weights/read-weights';
import { configsOf } from '../configuration/configs-of';
import type { SearchedLog } from '../decisions/find-decision';

/** Newest requests that shadows are asked about; each takes a shadow some tenths of a millisecond. */
const maxRequests = 2_000;
/** Requests between two times that others get the thread. */
const atOnce = 4;

export interface ShadowJudge extends SearchedLog {
  readonly config: () => RouterConfig | null;
  readonly configHistory: () => Promise<readonly ConfigVersion[]>;
  readonly knownWeights: () => Promise<KnownWeights>;
  /** Null where they are gone. */
  readonly weightsOf: (pointer: WeightsPointer) => Promise<LearnedPolicy | null>;
}

/** `withPrevious`: and the weights that were in force before those that are. */
export async function judgeShadows(
  judge: ShadowJudge,
  sinceMs: number,
  withPrevious = false,
): Promise<ShadowTargets[]> {
  const inForce = judge.config();
  const previous = withPrevious ? await previousOf(judge) : null;
  if (!inForce || (inForce.shadows.length === 0 && previous === null)) return [];
  const history = new Map((await judge.configHistory()).map((one) => [one.version, one.json]));
  const configOf = configsOf(history, inForce);
  const requests = await readOpened({ ...judge, sinceMs, maxRequests, giveWay: () => turnOfOthers() });
  const asked: { name: string; kind: ShadowTargets['kind']; shadow: Shadow }[] = await Promise.all(
    inForce.shadows.map(async (one) => ({
      name: one.name,
      kind: 'shadow' as const,
      shadow: await shadowOf(one, judge, sinceMs),
    })),
  );
  if (previous !== null)
    asked.push({ name: 'previous policy', kind: 'previous-policy', shadow: { kind: 'weights', learned: previous } });
  const shadows = asked.map(({ shadow }) => shadow);
  const found = shadows.map(() => ({ targets: new Map<string, readonly number[]>(), unknown: 0 }));
  for (const [at, opened] of requests.entries()) {
    if (at % atOnce === 0) await turnOfOthers();
    const { policySha256, basisSha256 } = opened;
    const learned = policySha256 === null ? null : await judge.weightsOf({ policySha256, basisSha256 });
    const base = configOf(opened.configVersion);
    shadows.forEach((shadow, i) => {
      const drawn = shadowDraw(shadow, { opened, base, learned });
      if (!drawn) return;
      found[i]!.targets.set(opened.requestId, drawn.propensities);
      found[i]!.unknown += drawn.unknown;
    });
  }
  return found.map(({ targets, unknown }, i) => ({
    name: asked[i]!.name,
    kind: asked[i]!.kind,
    targets,
    missing: requests.length - targets.size,
    unknownShare: unknown / Math.max(1, targets.size),
  }));
}

/** What going back would put in force: the newest weights that were in force before those that are. Null where there are none. */
async function previousOf({ knownWeights, weightsOf }: ShadowJudge): Promise<LearnedPolicy | null> {
  const { inForce, versions } = await knownWeights();
  if (!inForce) return null;
  const before = versions
    .filter(({ state, weights }) => state === 'PUBLISHED' && weights.sequence < inForce.sequence)
    .sort((a, b) => b.weights.sequence - a.weights.sequence)[0];
  return before ? weightsOf(before.weights) : null;
}

async function shadowOf(shadow: ShadowConfig, judge: ShadowJudge, sinceMs: number): Promise<Shadow> {
  const { strategy, policy, config, group } = shadow;
  if (strategy !== undefined) return { kind: 'strategy', strategy };
  if (policy !== undefined) return { kind: 'policy', learned: await judge.weightsOf(policy) };
  if (config !== undefined) {
    const checked = validateConfig(config);
    // It was valid when it came into force; a later release may see that otherwise.
    if (checked.ok) return { kind: 'config', config: checked.config };
  }
  return { kind: 'group', scored: await readScored(judge, group ?? '', sinceMs) };
}

async function readScored(judge: ShadowJudge, group: string, sinceMs: number): Promise<Map<string, StrategyScored>> {
  const { broker, topicPrefix, requestPathPartitions } = judge;
  const found = new Map<string, StrategyScored>();
  for (let partition = 0; partition < requestPathPartitions; partition++) {
    const of = { topic: topicPrefix + topics.strategyScored.name, partition };
    const { earliest, end } = await broker.offsets(of);
    const from = Math.max(earliest, await broker.offsetAt(of, sinceMs), end - 8 * maxRequests);
    if (from >= end) continue;
    for await (const records of broker.read(of, { from, to: end, maxRecords: 200 })) {
      await turnOfOthers();
      for (const record of records) {
        const scored = decoded(topics.strategyScored.codec, record);
        // The first record is the truth, as it is for whoever decides.
        if (scored?.group === group && !found.has(scored.requestId)) found.set(scored.requestId, scored);
      }
    }
  }
  return found;
}
