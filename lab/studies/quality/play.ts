/**
 * Plays a protocol on one of two paths: the whole engine on a virtual clock, as `quantum-router evaluate` does, or the
 * learner alone with the production publishing rule, which is faster. Both see the same rows in the same order.
 */

import type { RouterConfig } from '../../../lib/config/router-config';
import { priceFactor } from '../../../lib/routing/open/candidates';
import { createLog } from '../../../lib/telemetry/log';
import { evaluate } from '../../runs/evaluate';
import { configAfter } from '../../runs/play-workload';
import { workloadConfig } from '../../runs/workload-config';
import type { Workload } from '../../workloads/workload';
import { LearnerStream } from './learner-stream';
import type { Protocol } from './protocol';

export const paths = ['engine', 'learner'] as const;
export type Path = (typeof paths)[number];

/** The model chosen for each judged row, in order. */
export type Choices = readonly string[];

/** Called after every row. */
export type OnProgress = (done: number, total: number) => void;

const log = createLog({ level: 'error' });

export async function play(protocol: Protocol, path: Path, onProgress: OnProgress): Promise<Choices> {
  return path === 'engine' ? playEngine(protocol, onProgress) : playLearner(protocol, onProgress);
}

/** Defaults, but for what the protocol names. */
function configOf({ workload, seed, budgetUsd, pipeline }: Protocol): RouterConfig {
  const config = workloadConfig(workload, { seed, budgetUsdPerRequest: budgetUsd });
  if (pipeline === 'full') return config;
  // The Q-network alone: no other strategy takes part, as with `evaluate --pipeline dqn`.
  return { ...config, strategies: ['LEARNING_OPTIMIZED'], learning: { ...config.learning, pipeline } };
}

async function playEngine(protocol: Protocol, onProgress: OnProgress): Promise<Choices> {
  const choices: string[] = [];
  await evaluate({
    workload: inSplits(protocol),
    config: configOf(protocol),
    warm: protocol.warmRows > 0 ? { split: 'warm', feedback: protocol.warm } : null,
    testSplit: 'judged',
    feedback: protocol.feedback,
    order: 'file',
    feedbackAfter: protocol.feedbackAfter,
    seed: protocol.seed,
    log,
    onDecision: ({ model }) => choices.push(model),
    onTiming: () => {},
    onProgress,
    wallMs: () => performance.now(),
  });
  return choices;
}

function inSplits({ workload, warmRows }: Protocol): Workload {
  return {
    ...workload,
    row: (index) => ({ ...workload.row(index), split: index < warmRows ? 'warm' : 'judged' }),
  };
}

async function playLearner(protocol: Protocol, onProgress: OnProgress): Promise<Choices> {
  const { workload, seed, budgetUsd, pipeline, warmRows } = protocol;
  let config = configOf(protocol);
  let factors = new Map(config.models.map((model) => [model.name, priceFactor(model)]));
  const prices = (model: string): number => factors.get(model)!;
  const events = [...workload.events];
  const stream = await LearnerStream.create([...factors.keys()], {
    seed,
    pipeline,
    publish: config.learning.publish,
    budgetUsd,
    explorationFloor: config.explorationFloor,
    ...(workload.utility && { wish: workload.utility }),
  });
  const choices: string[] = [];
  for (let index = 0; index < workload.rows; index++) {
    while (events[0] && events[0].atIndex <= index) {
      config = configAfter(config, events.shift()!, workload);
      factors = new Map(config.models.map((model) => [model.name, priceFactor(model)]));
      stream.configure([...factors.keys()]);
    }
    const row = workload.row(index);
    if (index < warmRows && protocol.warm === 'full') stream.show(row, prices);
    else {
      const frozen = index >= warmRows && protocol.feedback === 'none';
      const { model } = stream.route(row, { prices, frozen, feedbackAfter: protocol.feedbackAfter(index) });
      if (index >= warmRows) choices.push(model);
    }
    onProgress(index + 1, workload.rows);
  }
  stream.learner.dispose();
  return choices;
}
