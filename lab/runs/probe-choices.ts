/**
 * What an engine's choices depend on, asked of what it has learned by now: whether another text would have led to another model, and
 * whether changes that mean nothing do. A router that sends everything to one model is seen to here.
 */

import type { RouterConfig } from '../../lib/config/router-config';
import { encodeContext } from '../../lib/learning/features/context';
import { bytesOf } from '../../lib/learning/features/encode';
import { parsePolicy } from '../../lib/learning/value/policy';
import { recomputeDecision } from '../../lib/routing/decide/decide';
import { indexOfLargest } from '../../lib/routing/judge/distribution';
import { judgeAsked } from '../../lib/routing/judge/judge-thread';
import type { LearnedPolicy } from '../../lib/routing/judge/strategy';
import type { Log } from '../../lib/telemetry/log';
import type { RouteOpened } from '../../lib/topics/generated/messages';
import { readTable } from '../../lib/topics/read-table';
import { topics } from '../../lib/topics/topics';
import { createBlobStore } from '../../lib/weights/blob-store';
import { blobsOf } from '../../services/dqn-trainer/trial-keeper';
import type { EngineHome } from '../../services/home';
import { prepare } from '../../services/route-intake/prepare';
import type { IntakeWorld } from '../../services/route-intake/read-world';
import type { Workload, WorkloadRow } from '../workloads/workload';
import { requestOf } from './workload-records';

/** Shares of requests, 0..1, whose favourite is another model once their text is changed. */
export interface ChoiceReport {
  /** Requests looked at. */
  readonly requests: number;
  /** By the text of another request. */
  readonly dependsOnText: number;
  /** By changes that ask for nothing else. */
  readonly changedBy: Readonly<Record<keyof typeof rewordings, number>>;
}

/** Ways to write the same request. */
export const rewordings = {
  blankLines: (prompt: string) => `\n\n${prompt.replace(/\n/g, '\n\n')}\n\n`,
  letterCase: (prompt: string) => prompt.toLowerCase(),
  politeness: (prompt: string) => `Could you please help me with this? ${prompt} Thank you very much!`,
} as const;

const mostRequests = 200;

/** Rows at equal distances. Null where none has a text. */
export async function probeChoices(
  home: EngineHome,
  config: RouterConfig,
  workload: Workload,
  indices: readonly number[],
  log: Log,
): Promise<ChoiceReport | null> {
  const step = Math.max(1, Math.floor(indices.length / mostRequests));
  const rows = indices
    .filter((_, i) => i % step === 0)
    .slice(0, mostRequests)
    .map((index) => workload.row(index))
    .filter((row) => row.prompt !== null);
  if (rows.length < 2) return null;
  const favourite = await readFavourite(home, config, workload, log);
  const own = rows.map((row) => favourite(row, row.prompt!));
  const shareOtherwise = (promptOf: (row: WorkloadRow, i: number) => string): number => {
    const others = rows.filter((row, i) => favourite(row, promptOf(row, i)) !== own[i]);
    return others.length / rows.length;
  };
  const half = Math.floor(rows.length / 2);
  const changed = (reword: (prompt: string) => string): number => shareOtherwise((row) => reword(row.prompt!));
  return {
    requests: rows.length,
    dependsOnText: shareOtherwise((_, i) => rows[(i + half) % rows.length]!.prompt!),
    changedBy: {
      blankLines: changed(rewordings.blankLines),
      letterCase: changed(rewordings.letterCase),
      politeness: changed(rewordings.politeness),
    },
  };
}

/** The model with the highest probability for a row under some text, by what is learned, known and configured now. */
async function readFavourite(
  home: EngineHome,
  config: RouterConfig,
  workload: Workload,
  log: Log,
): Promise<(row: WorkloadRow, prompt: string) => string> {
  const { broker, topicPrefix, clock } = home;
  const weights = (await readTable(broker, topics.weightsPublished, topicPrefix)).get('current');
  const tuning = (await readTable(broker, topics.tuning, topicPrefix)).get('current');
  const profiles = await readTable(broker, topics.modelProfile, topicPrefix);
  const world: IntakeWorld = {
    config,
    configVersion: 1,
    tuning,
    weights,
    profileOf: (model) => profiles.get(model),
    profilesAtMs: null,
    admissions: null,
    budgetStateOf: () => undefined,
    experimentStateOf: () => undefined,
    nowMs: clock.nowMs(),
    positions: {},
  };
  const learned = weights ? await readPolicyOf(home, weights, log) : null;
  const configured = { ...workload, models: config.models };
  return (row, prompt) => {
    const prepared = prepare(requestOf(configured, { ...row, prompt }, world.nowMs), world, []);
    if (prepared.kind === 'invalid') throw new Error(`${prepared.fault.field}: ${prepared.fault.reason}`);
    const opened = openedOf(prepared.route);
    const { candidates } = recomputeDecision(opened, judgeAsked(opened, learned));
    return candidates[indexOfLargest(candidates.map(({ propensity }) => propensity))]!.model;
  };
}

async function readPolicyOf(
  home: EngineHome,
  weights: Parameters<typeof blobsOf>[1],
  log: Log,
): Promise<LearnedPolicy> {
  const { broker, keyValue, clock, topicPrefix } = home;
  const blobs = await blobsOf(createBlobStore({ broker, keyValue, clock, log, topicPrefix }), weights);
  return parsePolicy(blobs.basis, blobs.policy, blobs);
}

/** As intake would open it, outside any session. */
function openedOf(route: Extract<ReturnType<typeof prepare>, { kind: 'prepared' }>['route']): RouteOpened {
  const opened = {
    ...route,
    positions: {},
    seed: 0,
    cached: null,
    cachedValues: null,
    sessionSpentUsd: 0,
    sessionRequests: 0,
    sessionLastQuality: null,
    intakeMs: 0,
    warmCache: null,
    complexity: null,
    tiesShare: true,
  };
  return { ...opened, contextFeatures: bytesOf(encodeContext(opened)) };
}
