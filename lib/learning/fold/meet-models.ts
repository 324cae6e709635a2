/** Models come and go; what was learned of the others stays. */
import type { LearningEvent } from '../../topics/generated/messages';
import { addLinearArm } from '../value/linear-half';
import { rearrangeModels } from '../value/neural-half';
import { createDrift } from './drift';
import type { FoldParts } from './learner-state';
import { replaySize, rowAt } from './replay';

/** Takes up models it has not met. Returns whether the learned heads have changed. */
export function meetModels(fold: FoldParts, event: LearningEvent): boolean {
  const { state } = fold;
  state.configured = event.models;
  const fresh = event.models.filter((model) => !state.models.includes(model));
  if (fresh.length === 0) return false;
  for (const model of fresh) {
    state.models.push(model);
    state.pulls.push(0);
    state.joinedLate.push(state.basis !== null);
    state.armMeans.push(0);
    state.drifts.push(createDrift());
    if (state.linear) addLinearArm(state.linear, state.random);
  }
  if (state.neural) {
    const kept = state.models.map((_, arm) => (arm < state.models.length - fresh.length ? arm : -1));
    state.neural = rearrangeModels(state.neural, kept, state.random);
  }
  return state.basis !== null;
}

/** Drops models that are neither configured nor remembered by the replay. */
export function forgetModels(fold: FoldParts): void {
  const { state } = fold;
  const remembered = new Set(state.configured);
  for (let i = 0; i < replaySize(state.replay); i++)
    for (const { model } of rowAt(state.replay, i).outcomes) remembered.add(model);
  const kept = state.models.map((_, arm) => arm).filter((arm) => remembered.has(state.models[arm]!));
  if (kept.length === state.models.length) return;
  state.models = kept.map((arm) => state.models[arm]!);
  state.pulls = kept.map((arm) => state.pulls[arm]!);
  state.joinedLate = kept.map((arm) => state.joinedLate[arm]!);
  state.armMeans = kept.map((arm) => state.armMeans[arm]!);
  state.drifts = kept.map((arm) => state.drifts[arm]!);
  if (state.neural) state.neural = rearrangeModels(state.neural, kept, state.random);
}
